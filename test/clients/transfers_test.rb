# frozen_string_literal: true

require "digest"
require "support/client_test"

# A GiB up and a GiB down, whichever way: it arrives, and the worker that it passes through does not grow.
class TransfersTest < ClientTest
  # Counts what it is sent, and keeps nothing of it.
  COUNT = <<~'RUBY'
    lambda do |env|
      buffer = +"".b
      size = 0
      size += buffer.bytesize while env["rack.input"].read(65_536, buffer)
      [200, { "content-type" => "text/plain" }, [size.to_s]]
    end
  RUBY

  DIGEST = <<~'RUBY'
    lambda do |env|
      buffer = +"".b
      digest = Digest::MD5.new
      digest << buffer while env["rack.input"].read(65_536, buffer)
      [200, { "content-type" => "text/plain" }, [digest.hexdigest]]
    end
  RUBY

  # In pieces whose size says nothing about the network's or the disk's.
  EACH = <<~'RUBY'
    class Pieces
      PIECE = ("0123456789abcdef" * 65_536)[0, 1_000_003].freeze
      def initialize(size) = @size = size
      def each
        (@size / PIECE.bytesize).times { yield PIECE }
        yield PIECE[0, @size % PIECE.bytesize]
      end
    end
  RUBY

  # Rack 2 wants an input that can be rewound.
  RULES = ->(config) { RACK >= 3 || config == "rewindable_input true" }
  UPLOADS = { "with its length" => [], "in chunks" => ["-H", "Transfer-Encoding: chunked"] }.freeze

  # The file that keeps a body is on the disk, and goes with the test.
  def count_uploads(app, config, file)
    server = serve(app, setup: "require 'digest'", lint: RULES[config], config: config, env: { "TMPDIR" => @directory })
    UPLOADS.to_h do |way, arguments|
      result = nil
      grown = growth(server) { result = curl("-T", file, *arguments, "http://127.0.0.1:#{server.port}/") }
      assert_operator grown, :<, FLAT, "#{config}, #{way}: bytes that the worker has grown by"
      [way, [result.status, result.out]]
    end
  end

  ["rewindable_input true", "rewindable_input false"].each do |config|
    define_method(:"test_uploads_with_#{config.tr(" ", "_")}") do
      expected = UPLOADS.transform_values { [0, GIB.to_s] }
      assert_equal expected, count_uploads(COUNT, config, sparse_file(GIB))
      write("random", random = Random.new(1).bytes(20_000_000))
      expected = UPLOADS.transform_values { [0, Digest::MD5.hexdigest(random)] }
      assert_equal expected, count_uploads(DIGEST, config, "random")
      assert_empty Dir.glob(File.join(@directory, "pitchfork-body*"))
    end
  end

  def test_downloads_of_a_file
    server = serve('->(_) { [200, { "content-type" => "text/plain" }, File.open("sparse")] }', lint: false)
    sparse_file(GIB)
    assert_flat(server, "a file") do
      result = curl("-o", "/dev/null", "-w", "%{http_code} %{size_download}", "http://127.0.0.1:#{server.port}/")
      assert_equal [0, "200 #{GIB}"], [result.status, result.out]
    end
  end

  def test_downloads_of_what_is_produced
    headers = { "in chunks" => "{}", "with its length" => "{ 'content-length' => size.to_s }" }
    headers.each do |way, fields|
      server = serve(<<~RUBY, setup: EACH)
        ->(env) { size = env["QUERY_STRING"].to_i; [200, { "content-type" => "text/plain" }.merge(#{fields}), Pieces.new(size)] }
      RUBY
      url = "http://127.0.0.1:#{server.port}/?"
      assert_flat(server, way) do
        result = curl("-o", "/dev/null", "-w", "%{http_code} %{size_download}", "#{url}#{GIB}")
        assert_equal [0, "200 #{GIB}"], [result.status, result.out], way
      end
      curl("-o", "small", "#{url}5000000")
      pieces = ("0123456789abcdef" * 65_536)[0, 1_000_003]
      assert_equal Digest::MD5.hexdigest((pieces * 5)[0, 5_000_000]), Digest::MD5.file(File.join(@directory, "small")).hexdigest, way
    end
  end

  # Up and down again: each prints what the app has counted, and how much it has received.
  NET_HTTP = <<~'RUBY'
    Net::HTTP.start("127.0.0.1", ARGV[0]) do |http|
      upload = Net::HTTP::Put.new("/", "Content-Length" => File.size("sparse").to_s, "Content-Type" => "text/x")
      upload.body_stream = File.open("sparse", "rb")
      print(http.request(upload).body)
      size = 0
      http.request_get("/sparse") { |response| response.read_body { |piece| size += piece.bytesize } }
      print(" ", size)
    end
  RUBY

  PYTHON = <<~'PYTHON'
    import http.client, sys
    def ask(*arguments, **options):
        connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30, blocksize=65536)
        connection.request(*arguments, **options)
        return connection.getresponse()
    print(ask("PUT", "/", body=open("sparse", "rb")).read().decode(), end=" ")
    response = ask("GET", "/sparse")
    print(sum(len(piece) for piece in iter(lambda: response.read(65536), b"")), end="")
  PYTHON

  def test_other_clients
    server = serve(<<~RUBY, setup: "COUNT = #{COUNT}", lint: false, config: "rewindable_input false")
      ->(env) { env["PATH_INFO"] == "/" ? COUNT.call(env) : [200, { "content-type" => "text/plain" }, File.open("sparse")] }
    RUBY
    sparse_file(GIB)
    [[RbConfig.ruby, "-rnet/http", "-e", NET_HTTP], [program("python3"), "-c", PYTHON]].each do |command|
      assert_flat(server, command.first) do
        result = execute(*command, server.port.to_s)
        assert_equal "#{GIB} #{GIB}", result.out, result.err
      end
    end
  end

  # A client that reads slowly holds up the app, which produces no more than the socket takes.
  def test_a_body_is_not_produced_faster_than_it_is_read
    server = serve(<<~RUBY, setup: EACH)
      ->(_) { [200, { "content-type" => "text/plain" }, Pieces.new(300_000_000)] }
    RUBY
    assert_flat(server, "a slow reader") do
      TCPSocket.open("127.0.0.1", server.port) do |socket|
        socket.write(request("GET", "/"))
        size = 0
        size += socket.readpartial(16_384).bytesize while size < 30_000_000
        reset(socket)
      end
      assert_equal 200, fetch(server, "/?0").status
    end
  end
end
