# frozen_string_literal: true

# Host = uri-host [ ":" port ]
HttpCases.topic "host", "RFC 9110, 7.2" do
  # Host, SERVER_NAME, SERVER_PORT
  [
    ["example.org", "example.org", "80"], ["example.org:8080", "example.org", "8080"], ["127.0.0.1:1", "127.0.0.1", "1"],
    ["EXAMPLE.org", "EXAMPLE.org", "80"], ["xn--bcher-kva.example", "xn--bcher-kva.example", "80"], ["a.", "a.", "80"],
    ["[::1]", "[::1]", "80"], ["[2001:db8::1]:8443", "[2001:db8::1]", "8443"], ["[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", "80"]
  ].each do |host, name, port|
    accepts host, head("GET / HTTP/1.1", "Host: #{host}"), "HTTP_HOST" => host, "SERVER_NAME" => name, "SERVER_PORT" => port
  end
  # Good by the grammar, though Rack::Lint does not know it.
  [["a:", "a", "80"], ["a:00081", "a", "81"], ["a_b~!$&'()*+,;=c", "a_b~!$&'()*+,;=c", "80"], ["caf%C3%A9", "caf%C3%A9", "80"]]
    .each do |host, name, port|
      accepts host, head("GET / HTTP/1.1", "Host: #{host}", "X-Unusual: 1"),
              "HTTP_HOST" => host, "SERVER_NAME" => name, "SERVER_PORT" => port, rfc: "RFC 3986, 3.2.2"
    end
  accepts "white space around it", head("GET / HTTP/1.1", "Host:  \t a:81 \t "), "HTTP_HOST" => "a:81"
  accepts "its name in other letters", head("GET / HTTP/1.1", "hOST: a"), "HTTP_HOST" => "a"
  accepts "not the first field", head("GET / HTTP/1.1", "X: 1", "Host: a"), "HTTP_HOST" => "a"

  refuses 400, "missing", head("GET / HTTP/1.1"), /Host is missing/, rfc: "RFC 9112, 3.2"
  refuses 400, "repeated", head("GET / HTTP/1.1", "Host: a", "Host: b"), /Host is repeated/, rfc: "RFC 9112, 3.2"
  refuses 400, "repeated with the same value", head("GET / HTTP/1.1", "Host: a", "host: a"), /Host is repeated/, rfc: "RFC 9112, 3.2"
  [
    "", "a b", "a/b", "user@a", "a:b", "a:-1", "a:65536", "a:80:80", "a: 80", ":80", "[::1", "[::1]x", "[gg]", "[]", "[v1.a]",
    "[fe80::1%25eth0]", "::1", "%zz", "%4", "http://a", "a?b", "a#b", "\"a\"", "<a>", "a\\b", "ä", "\xff", "a\tb"
  ].each { |host| refuses 400, "invalid, #{host.inspect}", head("GET / HTTP/1.1", "Host: #{host}"), /Host is not a host/ }
  refuses 400, "a name with an underscore is no Host", head("GET / HTTP/1.1", "_Host: a"), /Host is missing/
end
