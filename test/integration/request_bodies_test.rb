# frozen_string_literal: true

require "digest"
require "support/app_test"

# rack.input: what the app reads is what the client has sent, however it came.
class RequestBodiesTest < AppTest
  # Answers with the length and the digest of the body.
  DIGEST = <<~'RUBY'
    lambda do |env|
      body = env["rack.input"].read
      [200, { "content-type" => "text/plain" }, ["#{body.bytesize} #{Digest::MD5.hexdigest(body)} #{body.encoding}"]]
    end
  RUBY

  READS = <<~'RUBY'
    lambda do |env|
      input = env["rack.input"]
      [200, { "content-type" => "text/plain" }, [instance_exec(input, &eval(env["HTTP_X_CODE"])).inspect]]
    end
  RUBY

  BOTH = ["rewindable_input true", "rewindable_input false"].freeze
  LARGE = Random.new(1).bytes(5_000_000)

  def expected(body)
    "#{body.bytesize} #{Digest::MD5.hexdigest(body)} ASCII-8BIT"
  end

  # @return [Array<String>] chunks and the last one
  def chunks(body, size)
    body.scan(/.{1,#{size}}/mn).map { |data| "#{data.bytesize.to_s(16)}\r\n#{data}\r\n" } << "0\r\n\r\n"
  end

  def test_bodies_with_a_length
    BOTH.each do |config|
      server = serve(DIGEST, setup: "require 'digest'", config: config)
      ["", "a", "one\ntwo\n", LARGE].each { |body| assert_equal expected(body), ask(server, post(body)).content, config }
    end
  end

  def test_chunked_bodies
    BOTH.each do |config|
      server = serve(DIGEST, setup: "require 'digest'", config: config)
      ["", "a", "one\ntwo\n", LARGE].each do |body|
        sent = request("POST", "/", "Transfer-Encoding: chunked", body: chunks(body, 30_000).join)
        assert_equal expected(body), ask(server, sent).content, config
      end
      extended = request("POST", "/", "Transfer-Encoding: chunked", body: "3;name=value\r\nabc\r\n0\r\nTrailer: x\r\n\r\n")
      assert_equal expected("abc"), ask(server, extended).content, config
    end
  end

  # Every piece in a packet of its own, some of them in the middle of a chunk's frame.
  def test_a_body_in_small_pieces
    server = serve(DIGEST, setup: "require 'digest'")
    body = LARGE.byteslice(0, 3000)
    [request("POST", "/", "Transfer-Encoding: chunked", body: chunks(body, 700).join), post(body)].each do |bytes|
      reply = ask(server, "") do |socket|
        socket.setsockopt(:TCP, :NODELAY, true)
        bytes.bytes.each_slice(13) { |piece| socket.write(piece.pack("C*")) }
      end
      assert_equal expected(body), reply.content
    end
  end

  def test_expect_continue
    server = serve(<<~'RUBY')
      ->(env) { [200, { "content-type" => "text/plain" }, [env["PATH_INFO"] == "/reads" ? env["rack.input"].read : "unread"]] }
    RUBY
    head = request("POST", "/reads", "Content-Length: 2", "Expect: 100-continue")
    interim = nil
    reply = ask(server, head) { |socket| interim = socket.readpartial(100).tap { socket.write("hi") } }
    assert_equal ["HTTP/1.1 100 Continue\r\n\r\n", 200, "hi"], [interim, reply.status, reply.content]
    # Nobody wants the body, so nobody asks for it.
    assert_equal "unread", ask(server, head.sub("reads", "not")).content
    # It is here already.
    assert_equal [200, "hi"], ask(server, "#{head}hi").show(:status, :content)
  end

  def test_the_methods_of_the_input
    {
      "->(i) { [i.read(2), i.read(1), i.read, i.read, i.read(1), i.read(0)] }" => ["on", "e", "\ntwo\n\nend", "", nil, ""],
      "->(i) { [i.read(0), i.read(nil), i.read(5)] }" => ["", "one\ntwo\n\nend", nil],
      "->(i) { b = +'old'; [i.read(3, b).equal?(b), b.dup, i.read(nil, b).equal?(b), b.dup, i.read(1, b), b] }" =>
        [true, "one", true, "\ntwo\n\nend", nil, ""],
      "->(i) { b = +'old'; [i.read(100, b), b].map(&:dup) }" => ["one\ntwo\n\nend"] * 2,
      "->(i) { [i.gets, i.gets, i.gets, i.gets, i.gets] }" => ["one\n", "two\n", "\n", "end", nil],
      "->(i) { [i.read(1), i.gets, i.read(2), i.gets] }" => ["o", "ne\n", "tw", "o\n"],
      "->(i) { a = []; i.each { |line| a << line }; [a, i.read, i.gets] }" => [["one\n", "two\n", "\n", "end"], "", nil],
      "->(i) { [i.read.encoding.to_s, i.read(0).encoding.to_s] }" => %w[ASCII-8BIT ASCII-8BIT]
    }.tap do |table|
      BOTH.each do |config|
        server = serve(READS, config: config)
        table.each do |code, result|
          assert_equal result.inspect, ask(server, post("one\ntwo\n\nend", "X-Code: #{code}")).content, "#{config} #{code}"
        end
      end
    end
  end

  def test_no_body
    BOTH.each do |config|
      server = serve(READS, config: config)
      {
        "->(i) { b = +'old'; [i.read, i.read(1), i.read(0), i.read(nil, b), b, i.gets, i.each { raise }.nil?] }" =>
          ["", nil, "", "", "", nil, false]
      }.each { |code, result| assert_equal result.inspect, fetch(server, "/", "X-Code: #{code}").content }
    end
  end

  def test_an_input_that_can_be_rewound
    server = serve(READS, lint: false, config: "client_body_buffer_size 100")
    ["one\ntwo\n", LARGE.byteslice(0, 200), LARGE].each do |body|
      code = "->(i) { [i.size, i.read(1), i.rewind, i.read.hash == i.tap(&:rewind).read.hash, i.read(1)] }"
      assert_equal [body.bytesize, body.byteslice(0, 1), 0, true, nil].inspect, ask(server, post(body, "X-Code: #{code}")).content
    end
  end

  # Rack 2 rewinds it itself, after each form.
  def test_a_stream_can_not_be_rewound
    server = serve(READS, lint: false, config: "rewindable_input false")
    assert_equal (RACK < 3).to_s, ask(server, post("a", "X-Code: ->(i) { i.respond_to?(:rewind) }")).content
  end

  # Beyond client_body_buffer_size the body is in a file without a name, which goes with the request.
  def test_large_bodies_are_kept_in_a_file
    server = serve(READS, config: "client_body_buffer_size 1000", env: { "TMPDIR" => @directory })
    files = "Dir['/proc/self/fd/*'].count { |fd| (File.readlink(fd) rescue '').match?(%r{^#{@directory}/.*deleted}) }"
    code = "->(i) { i.read; #{files} }"
    assert_equal "0", ask(server, post("a" * 1000, "X-Code: #{code}")).content
    assert_equal "1", ask(server, post("a" * 1001, "X-Code: #{code}")).content
    assert_equal "0", fetch(server, "/", "X-Code: #{code}").content
    # Nothing of the request before is left, though the app raised.
    assert_equal 500, ask(server, post("a" * 1001, "X-Code: ->(i) { i.read; raise 'no' }")).status
    assert_equal "0", fetch(server, "/", "X-Code: #{code}").content
    assert_equal %w[config.ru pitchfork.rb], Dir.children(@directory).sort
  end

  # An app that refuses an upload need not read it; the client gets to see why.
  def test_a_body_that_nobody_reads
    server = serve('->(_) { [413, { "content-type" => "text/plain" }, ["too large"]] }')
    ["a", "a" * 300_000, LARGE].each do |body|
      assert_equal [413, "too large"], ask(server, post(body)).show(:status, :content)
      sent = request("POST", "/", "Transfer-Encoding: chunked", body: chunks(body, 30_000).join)
      assert_equal [413, "too large"], ask(server, sent).show(:status, :content)
    end
    assert_equal 413, fetch(server).status
  end

  def test_a_client_that_stops_in_the_middle
    BOTH.each do |config|
      server = serve(<<~'RUBY', config: config)
        lambda do |env|
          [200, { "content-type" => "text/plain" }, [env["rack.input"].read]]
        rescue Pitchfork::ClientShutdown => e
          note(e.message)
          raise
        end
      RUBY
      TCPSocket.open("127.0.0.1", server.port) do |socket|
        socket.write(request("POST", "/", "Content-Length: 10", body: "half"))
        socket.close_write
        assert_equal 400, Reply.parse(socket.read).status
      end
      TCPSocket.open("127.0.0.1", server.port) do |socket|
        socket.write(request("POST", "/", "Content-Length: 10", body: "half"))
        reset(socket)
      end
      assert_equal "all", ask(server, post("all")).content
      assert_match(/client closed the connection before the end of the request body/, notes.first)
      refute_match(/ERROR/, server.log)
    end
  end

  def test_chunks_that_are_none
    server = serve(DIGEST, setup: "require 'digest'")
    ["x\r\n", "-1\r\n", "3\r\nabcd\r\n", "ffffffffffffffffff\r\n", "3 \r\nabc\r\n0\r\n\r\n"].each do |body|
      assert_equal 400, ask(server, request("POST", "/", "Transfer-Encoding: chunked", body: body)).status, body
    end
    assert_equal expected("a"), ask(server, post("a")).content
    refute_match(/ERROR/, server.log)
  end
end
