# frozen_string_literal: true

require "support/app_test"

# Bodies that answer `to_path` are sent by the kernel.
class FilesTest < AppTest
  FILE = <<~'RUBY'
    class Path
      def initialize(path)
        @path = path
      end

      def to_path
        @path
      end

      def each
        yield "instead"
      end

      def close
        note("closed")
      end
    end
  RUBY

  APP = '->(env) { [200, { "content-type" => "text/plain" }, Path.new(env["PATH_INFO"].delete_prefix("/"))] }'

  # The Lint of Rack 2 makes a body without a path of it.
  LINTED = RACK >= 3

  def test_a_file
    server = serve(APP, setup: FILE, lint: LINTED)
    content = Random.bytes(3_000_000)
    File.binwrite(File.join(@directory, "large"), content)
    reply = fetch(server, "/large")
    assert_equal "3000000", reply["content-length"]
    assert reply.body == content
    assert_empty ask(server, request("HEAD", "/large")).body
    write("empty", "")
    assert_equal ["0", ""], fetch(server, "/empty").show("content-length", :body)
    assert_equal ["closed"] * 2, notes.first(2)
  end

  def test_a_slow_client
    server = serve(APP, setup: FILE, lint: LINTED)
    content = Random.bytes(6_000_000)
    File.binwrite(File.join(@directory, "large"), content)
    received = +"".b
    talk(server, request("GET", "/large")) { |socket| received << socket.readpartial(100_000) until socket.eof? }
    assert Reply.parse(received).body == content
  end

  def test_what_rack_files_serves
    write("public/a.txt", "text of a file")
    server = serve("Rack::Files.new('public')", setup: "require 'rack/files'", lint: LINTED)
    assert_equal ["14", "text of a file"], fetch(server, "/a.txt").show("content-length", :body)
    part = fetch(server, "/a.txt", "Range: bytes=5-6")
    assert_equal [206, "2", "of"], [part.status, part["content-length"], part.body]
    assert_equal 404, fetch(server, "/none").status
  end

  # Then there is no file to send, and `each` has to do.
  def test_no_file
    server = serve(APP, setup: FILE, lint: false)
    Dir.mkdir(File.join(@directory, "directory"))
    File.mkfifo(File.join(@directory, "fifo"))
    %w[none directory fifo].each { |name| assert_equal "instead", fetch(server, "/#{name}").content, name }
  end

  # A body may know only then whether it has one (Rack 3.2).
  def test_a_path_that_is_nil
    server = serve("->(_) { [200, {}, Path.new(nil)] }", setup: FILE, lint: false)
    assert_equal "instead", fetch(server).content
  end

  # The size is measured once; the client must not wait for what is not there any more.
  def test_a_file_that_shrinks
    server = serve(<<~'RUBY', setup: FILE, lint: false)
      ->(env) { [200, {}, Path.new("shrinks")] }
    RUBY
    path = File.join(@directory, "shrinks")
    File.binwrite(path, "x" * 30_000_000)
    TCPSocket.open("127.0.0.1", server.port) do |socket|
      socket.write(request("GET", "/"))
      start = socket.readpartial(10)
      File.truncate(path, 0)
      reply = Reply.parse(start + socket.read)
      assert_equal "30000000", reply["content-length"]
      assert_operator reply.body.bytesize, :<, 30_000_000
    end
    server.wait_for(/GET \/ failed: the response body is \d+ bytes shorter than its Content-Length/)
    assert_equal "0", fetch(server)["content-length"]
  end
end
