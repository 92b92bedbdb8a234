# frozen_string_literal: true

# What HTTP/1.0 does not have, or has in its own way.
HttpCases.topic "HTTP/1.0", "RFC 9110, 2.5" do
  accepts "no Host", head("GET /a?b HTTP/1.0"), "PATH_INFO" => "/a", "HTTP_HOST" => nil, "SERVER_NAME" => "127.0.0.1", rfc: "RFC 9112, 3.2"
  accepts "no field at all", "GET / HTTP/1.0\r\n\r\n", "SERVER_PROTOCOL" => "HTTP/1.0"
  accepts "a Host", head("GET / HTTP/1.0", "Host: a:81"), "SERVER_NAME" => "a", "SERVER_PORT" => "81"
  accepts "a body", head("POST / HTTP/1.0", "Content-Length: 5") + "hello", "body" => "hello"
  accepts "a body to its end is none", head("POST / HTTP/1.0"), rest: "hello", "body" => "", rfc: "RFC 9112, 6.3"
  accepts "keep-alive is not kept", head("GET / HTTP/1.0", "Connection: keep-alive"), rfc: "RFC 9112, 9.3"
  accepts "Expect has no meaning", head("POST / HTTP/1.0", "Expect: 100-continue", "Content-Length: 5") + "hello",
          "body" => "hello", rfc: "RFC 9110, 10.1.1"
  refuses 400, "a Host that is none", head("GET / HTTP/1.0", "Host: a b"), /Host is not a host/, rfc: "RFC 9112, 3.2"
  refuses 400, "two Hosts", head("GET / HTTP/1.0", "Host: a", "Host: a"), /Host is repeated/, rfc: "RFC 9112, 3.2"
end
