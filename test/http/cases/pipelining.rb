# frozen_string_literal: true

# A connection serves one request. What follows it belongs to nobody.
HttpCases.topic "more than one request", "RFC 9112, 9.3" do
  accepts "two at once: the first", get(target: "/first"), rest: get(target: "/second"), "PATH_INFO" => "/first"
  accepts "one behind a body", post("Content-Length: 2", body: "hi"), rest: get(target: "/second"), "body" => "hi", "PATH_INFO" => "/"
  accepts "one behind a chunked body", chunked("2\r\nhi\r\n0\r\n\r\n"), rest: get(target: "/second"), "body" => "hi", "PATH_INFO" => "/"
  refuses 400, "a good one behind a bad one", head("GET / HTTP/1.1") + get, /Host is missing/
end
