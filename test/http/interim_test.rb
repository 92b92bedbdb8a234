# frozen_string_literal: true

require "support/shared_server_test"

# Interim responses (RFC 9110, 15.2; 103: RFC 8297): byte for byte, and never where they would be taken for something else.
class InterimTest < SharedServerTest
  serves <<~'RUBY', config: "early_hints true", lint: false
    lambda do |env|
      hints = env["rack.early_hints"]
      instance_exec(hints, env["rack.input"], &eval(env["HTTP_X_CODE"]))
      [200, {}, ["fine"]]
    end
  RUBY

  HINT = "HTTP/1.1 103 Early Hints\r\n"
  CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"

  # What the app does, and what stands in front of its response.
  {
    "hints.call('link' => '</a>')" => "#{HINT}link: </a>\r\n\r\n",
    "2.times { |i| hints.call('link' => '</%d>' % i) }" => "#{HINT}link: </0>\r\n\r\n#{HINT}link: </1>\r\n\r\n",
    "hints.call('link' => \"</a>\\n</b>\")" => "#{HINT}link: </a>\r\nlink: </b>\r\n\r\n",
    "hints.call('link' => ['</a>', '</b>'])" => "#{HINT}link: </a>\r\nlink: </b>\r\n\r\n",
    "hints.call({})" => "#{HINT}\r\n",
    # RFC 9110, 8.6: no length. What concerns the connection is the server's here, too.
    "hints.call('link' => '</a>', 'content-length' => '5', 'connection' => 'x', 'transfer-encoding' => 'chunked')" =>
      "#{HINT}link: </a>\r\n\r\n"
  }.each do |code, interim|
    define_method("test_#{code}") do
      answer, ending = ask_for(code)
      assert_equal [interim, :fin], [answer[/\A.*(?=HTTP\/1\.1 200 OK\r\n)/m], ending]
      answer, = ask_for(code, version: "1.0")
      assert answer.start_with?("HTTP/1.1 200 OK\r\n"), "HTTP/1.0 knows none"
    end
  end

  def test_before_and_behind_a_100
    code = "hints.call('x' => '1'); input.read; hints.call('x' => '2')"
    Wire.open(shared.port) do |wire|
      wire.write(request("POST", "/", "X-Code: ->(hints, input) { #{code} }", "Content-Length: 2", "Expect: 100-continue"))
      assert_equal "#{HINT}x: 1\r\n\r\n#{CONTINUE}", wire.read_until(CONTINUE)
      wire.write("hi")
      assert_match(%r{\A#{HINT}x: 2\r\n\r\nHTTP/1\.1 200 OK\r\n}, wire.finish.first)
    end
  end

  # The app's mistake; the response is still possible.
  def test_what_can_not_be_sent
    code = "begin; hints.call('x' => \"a\\rb\"); rescue Pitchfork::ResponseError; note('refused'); end"
    answer, = ask_for(code)
    assert answer.start_with?("HTTP/1.1 200 OK\r\n")
    assert_equal ["refused"], notes
  end

  def test_none_without_the_setting
    server = serve('->(env) { [200, { "content-type" => "text/plain" }, [env.key?("rack.early_hints").to_s]] }')
    assert_equal "false", fetch(server).content
  end

  # @return [Array(String, Symbol)] all bytes, and the end
  def ask_for(code, version: "1.1")
    Wire.open(shared.port) do |wire|
      wire.write(request("GET", "/", "X-Code: ->(hints, input) { #{code} }", version: version))
      wire.finish
    end
  end
end
