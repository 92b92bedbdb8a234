# frozen_string_literal: true

require "digest"
require "json"
require "support/client_test"

# The same small requests by clients of three families: what arrives at the app, and what the client makes of its answer.
class PagesTest < ClientTest
  # Answers with what it was asked.
  APP = <<~'RUBY'
    lambda do |env|
      body = env["rack.input"].read
      status = env["QUERY_STRING"][/\d+/]&.to_i || 200
      seen = [env["REQUEST_METHOD"], env["PATH_INFO"], env["CONTENT_TYPE"].to_s[/\A[^;]*/], body.bytesize, Digest::MD5.hexdigest(body)]
      note(seen.join(" "))
      headers = [204, 304].include?(status) ? {} : { "content-type" => "text/plain" }
      [status, headers, status == 200 ? ["#{seen.join(" ")}\n"] : []]
    end
  RUBY

  LARGE = Random.new(1).bytes(3_000_000)

  def before_setup
    super
    @server = serve(APP, setup: "require 'digest'")
    @url = "http://127.0.0.1:#{@server.port}"
    write("large", LARGE)
  end

  def seen(method, path, type, body)
    [method, path, type, body.bytesize, Digest::MD5.hexdigest(body)].join(" ")
  end

  def test_curl
    large = ["--data-binary", "@large", "-H", "Content-Type: text/x"]
    {
      ["/page"] => seen("GET", "/page", "", ""),
      ["--http1.0", "/old"] => seen("GET", "/old", "", ""),
      ["-d", "a=1", "/form"] => seen("POST", "/form", "application/x-www-form-urlencoded", "a=1"),
      ["-X", "DELETE", "/d"] => seen("DELETE", "/d", "", ""),
      [*large, "/length"] => seen("POST", "/length", "text/x", LARGE),
      [*large, "-H", "Transfer-Encoding: chunked", "/chunks"] => seen("POST", "/chunks", "text/x", LARGE),
      [*large, "-H", "Expect: 100-continue", "/expect"] => seen("POST", "/expect", "text/x", LARGE),
      ["-T", "large", "/put"] => seen("PUT", "/put", "", LARGE)
    }.each do |(*arguments, path), expected|
      result = curl("--fail", "--path-as-is", *arguments, @url + path)
      assert_equal [0, "#{expected}\n"], [result.status, result.out], "#{arguments} #{result.err}"
    end
    assert_equal "204", curl("-w", "%{http_code}", "#{@url}/?204").out
    head = curl("--head", "#{@url}/page")
    assert_equal [0, "200"], [head.status, head.out[%r{\AHTTP/1\.1 (\d+) OK}, 1]]
    assert_match(/^content-type: text\/plain\r$/i, head.out)
  end

  def test_net_http
    Net::HTTP.start("127.0.0.1", @server.port, max_retries: 0) do |http|
      assert_equal "#{seen("GET", "/page", "", "")}\n", http.get("/page").body
      assert_equal "#{seen("POST", "/form", "text/x", LARGE)}\n", http.post("/form", LARGE, "Content-Type" => "text/x").body
      assert_equal ["200", nil], [http.head("/page").code, http.head("/page").body]
      %w[204 304 404].each { |status| assert_equal status, http.get("/?#{status}").code }
      chunked = Net::HTTP::Put.new("/chunks", "Transfer-Encoding" => "chunked", "Content-Type" => "text/x", "Expect" => "100-continue")
      chunked.body_stream = File.open(File.join(@directory, "large"), "rb")
      assert_equal "#{seen("PUT", "/chunks", "text/x", LARGE)}\n", http.request(chunked).body
    end
  end

  PYTHON = <<~'PYTHON'
    import http.client, json, sys
    large = open("large", "rb").read()
    answers = []
    def ask(*arguments, **options):
        connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
        connection.request(*arguments, **options)
        response = connection.getresponse()
        answers.append([response.status, response.will_close, response.read().decode()])
    ask("GET", "/page")
    ask("HEAD", "/page")
    ask("POST", "/form", body=large, headers={"Content-Type": "text/x"})
    ask("PUT", "/chunks", body=(large[i:i + 10000] for i in range(0, len(large), 10000)), headers={"Content-Type": "text/x"})
    ask("GET", "/?204")
    print(json.dumps(answers))
  PYTHON

  def test_python
    result = execute(program("python3"), "-c", PYTHON, @server.port.to_s)
    assert_equal 0, result.status, result.err
    assert_equal [
      [200, true, "#{seen("GET", "/page", "", "")}\n"],
      [200, true, ""],
      [200, true, "#{seen("POST", "/form", "text/x", LARGE)}\n"],
      [200, true, "#{seen("PUT", "/chunks", "text/x", LARGE)}\n"],
      [204, true, ""]
    ], JSON.parse(result.out)
  end
end
