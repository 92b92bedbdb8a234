# frozen_string_literal: true

# request-target = origin-form / absolute-form / authority-form / asterisk-form
HttpCases.topic "target", "RFC 9112, 3.2.1" do
  # target, path, query
  [
    ["/", "/", ""], ["/a/b?c=d", "/a/b", "c=d"], ["/?", "/", ""], ["/a?b?c", "/a", "b?c"], ["/a?b/c", "/a", "b/c"],
    ["//a//b", "//a//b", ""], ["//", "//", ""], ["/../a/./b", "/../a/./b", ""], ["/a;p=1", "/a;p=1", ""],
    ["/a%2Fb%00%zz%", "/a%2Fb%00%zz%", ""], ["/a+b?c+d=%20", "/a+b", "c+d=%20"], ["/http://h/?/", "/http://h/", "/"],
    ["/é?ü", "/é", "ü"], ["/\u{1f600}", "/\u{1f600}", ""], ["/|{}\"<>^`\\", "/|{}\"<>^`\\", ""], ["/a:80@b", "/a:80@b", ""]
  ].each do |target, path, query|
    accepts "as sent, #{target}", get(target: target), "REQUEST_URI" => target, "PATH_INFO" => path, "QUERY_STRING" => query,
                                                       "SCRIPT_NAME" => ""
  end
  accepts "with POST", post("Content-Length: 0"), "PATH_INFO" => "/"
  refuses 400, "a fragment", get(target: "/a#b"), /has a fragment/
  refuses 400, "a fragment behind the query", get(target: "/a?b#c"), /has a fragment/
  refuses 400, "an empty fragment", get(target: "/#"), /has a fragment/
  refuses 400, "no slash", get(target: "a"), /no form its method allows/
  refuses 400, "a query alone", get(target: "?a"), /no form its method allows/
  refuses 400, "bytes that are no UTF-8", get(target: "/\xff".b)
  ["\0", "\t", "\x01", "\x1b", "\x7f", "\n"].each { |byte| refuses 400, "control character #{byte.ord}", get(target: "/a#{byte}b") }
end

HttpCases.topic "absolute target", "RFC 9112, 3.2.2" do
  # target, path, query, SERVER_NAME, SERVER_PORT
  [
    ["http://h/p?q", "/p", "q", "h", "80"], ["http://h", "/", "", "h", "80"], ["http://h:81?a/b", "/", "a/b", "h", "81"],
    ["HTTP://H/", "/", "", "H", "80"], ["http://[::1]:82/", "/", "", "[::1]", "82"], ["http://h//a", "//a", "", "h", "80"]
  ].each do |target, path, query, name, port|
    accepts target, get("X-Unusual: 1", target: target),
            "REQUEST_URI" => target, "PATH_INFO" => path, "QUERY_STRING" => query, "SERVER_NAME" => name, "SERVER_PORT" => port
  end
  accepts "its host replaces Host", get("X-Unusual: 1", target: "http://other:81/"), "HTTP_HOST" => "other:81", "SERVER_NAME" => "other"
  accepts "its scheme is the client's business", get("X-Unusual: 1", target: "https://h/"),
          "rack.url_scheme" => "http", "PATH_INFO" => "/", rfc: "RFC 9110, 7.4"
  accepts "in HTTP/1.0 without Host", head("GET http://h/p HTTP/1.0", "X-Unusual: 1"), "HTTP_HOST" => "h", "PATH_INFO" => "/p"
  refuses 400, "Host is needed all the same", head("GET http://h/ HTTP/1.1"), /Host is missing/, rfc: "RFC 9112, 3.2"
  refuses 400, "Host has to be valid all the same", head("GET http://h/ HTTP/1.1", "Host: a b"), /Host is not a host/, rfc: "RFC 9112, 3.2"
  refuses 400, "no host", get(target: "http:///p"), /is not a host/, rfc: "RFC 9110, 4.2.1"
  refuses 400, "nothing but the scheme", get(target: "http://"), /is not a host/, rfc: "RFC 9110, 4.2.1"
  refuses 400, "user information", get(target: "http://user:word@h/"), /is not a host/, rfc: "RFC 9110, 4.2.4"
  refuses 400, "a port that is no number", get(target: "http://h:x/"), /is not a host/, rfc: "RFC 3986, 3.2.3"
  refuses 400, "a port beyond 65535", get(target: "http://h:65536/"), /is not a host/
  refuses 400, "another scheme", get(target: "ftp://h/"), /no form/, rfc: "RFC 9110, 4.2"
  refuses 400, "one slash", get(target: "http:/h/"), /no form/
  refuses 400, "a fragment in an absolute target", get(target: "http://h/#a"), /fragment/
end

# Two of the forms are no paths: Rack 2 wants none then, and Rack 3 what was sent.
rackish = ->(target) { Rack.release.start_with?("2.") ? "" : target }

HttpCases.topic "authority target", "RFC 9112, 3.2.3" do
  accepts "CONNECT", head("CONNECT h:443 HTTP/1.1", "Host: h:443", "X-Unusual: 1"),
          "REQUEST_METHOD" => "CONNECT", "REQUEST_URI" => "h:443", "PATH_INFO" => rackish["h:443"]
  refuses 400, "without a port", head("CONNECT h HTTP/1.1", "Host: h"), /no form/
  refuses 400, "with an empty port", head("CONNECT h: HTTP/1.1", "Host: h"), /no form/
  refuses 400, "CONNECT with a path", head("CONNECT / HTTP/1.1", "Host: h"), /no form/
  refuses 400, "CONNECT with a URL", head("CONNECT http://h:80/ HTTP/1.1", "Host: h"), /no form/
  refuses 400, "with another method", get(target: "h:443"), /no form/
end

HttpCases.topic "asterisk target", "RFC 9112, 3.2.4" do
  accepts "OPTIONS", head("OPTIONS * HTTP/1.1", "Host: a", "X-Unusual: 1"),
          "REQUEST_METHOD" => "OPTIONS", "REQUEST_URI" => "*", "PATH_INFO" => rackish["*"]
  accepts "OPTIONS of a path", head("OPTIONS /a HTTP/1.1", "Host: a"), "PATH_INFO" => "/a"
  refuses 400, "with another method", get(target: "*"), /no form/
  refuses 400, "with a query", head("OPTIONS *?a HTTP/1.1", "Host: a"), /no form/
  accepts "OPTIONS of a host is one of its root", head("OPTIONS http://h HTTP/1.1", "Host: h", "X-Unusual: 1"),
          "PATH_INFO" => "/", rfc: "RFC 9112, 3.2.2"
end
