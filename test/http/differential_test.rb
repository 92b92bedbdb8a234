# frozen_string_literal: true

require "support/shared_server_test"
require "support/differences"
require "support/echo"
require "support/rivals"

# The same bytes for this server, for Puma and for nginx: whatever they do not agree about is documented, and whatever is
# documented is so.
class DifferentialTest < SharedServerTest
  SECONDS = 300

  APP = "#{Echo::SETUP}\nrun Echo\n"
  serves "Echo", setup: Echo::SETUP, lint: false

  # A server that wants more than a request has says nothing. Whatever it makes of what it has, it makes of it when it
  # learns that there is no more.
  SILENCE = 3

  def test_puma
    compare(Rivals::Puma, :puma) { |directory| Rivals::Puma.new(directory, APP) }
  end

  def test_nginx
    compare(Rivals::Nginx, :nginx) { |directory| Rivals::Nginx.new(directory) }
  end

  def test_the_table_in_the_documentation
    page = File.read(File.expand_path("../../docs/http.md", __dir__))
    assert_includes page, Differences::START
    assert_equal Differences.render(page), page, "rake docs:http writes it anew"
  end

  # Request, and whether the server serves another one on the same connection.
  ENDS = {
    ["GET / HTTP/1.1", "Host: a"] => { pitchfork: false, puma: true, nginx: true },
    ["GET / HTTP/1.1", "Host: a", "Connection: close"] => { pitchfork: false, puma: false, nginx: false },
    ["GET / HTTP/1.0", "Host: a"] => { pitchfork: false, puma: false, nginx: false },
    ["GET / HTTP/1.0", "Host: a", "Connection: keep-alive"] => { pitchfork: false, puma: true, nginx: true },
    ["GET / HTTP/1.1", "Host: a", "X: a\0"] => { pitchfork: false, puma: false, nginx: false },
    ["GET / HTTP/1.1", "Host: a", "Content-Length: x"] => { pitchfork: false, puma: false, nginx: false }
  }.freeze

  def test_the_end_of_the_connection
    with_rival(Rivals::Puma) { |directory| Rivals::Puma.new(directory, APP) }.then do |puma|
      nginx = with_rival(Rivals::Nginx) { |directory| Rivals::Nginx.new(directory) }
      ENDS.each do |lines, expected|
        bytes = "#{lines.join("\r\n")}\r\n\r\n"
        kept = { pitchfork: shared, puma: puma, nginx: nginx }.transform_values { |server| kept?(server.port, bytes) }
        assert_equal expected, kept, bytes
      end
    end
  end

  def after_teardown
    @rivals&.each(&:stop)
    super
  end

  private

  # @return [Rivals::Server] until the end of the test
  def with_rival(type)
    type.program or skip("no #{type.title} here: bin/setup --test installs it")
    rival = yield File.join(@directory, type.title)
    (@rivals ||= []) << rival
    rival.start
  end

  def compare(type, name, &block)
    rival = with_rival(type, &block)
    found = differences(rival)
    expected = Differences.of(name, type.version)
    undocumented = found.reject { |request, kind| expected[request] == kind }
    gone = expected.reject { |request, kind| found[request] == kind }
    assert_equal [{}, {}], [undocumented, gone], "#{name} #{type.version}: differences that are not documented, and that are no more"
  end

  # Several at once, for some have to wait.
  #
  # @return [Hash{String => Symbol}] names of cases, and how the server differs
  def differences(rival)
    queue = Queue.new
    HttpCases.all.each { |request| queue << request }
    queue.close
    Array.new(8) do
      Thread.new do
        found = {}
        while (request = queue.pop)
          kind = difference(request, rival.port)
          found[request.name] = kind if kind
        end
        found
      end
    end.map(&:value).reduce(:merge)
  end

  def difference(request, port)
    ours, theirs = [shared.port, port].map { |one| answer(one, request) }
    return theirs.accepted ? :accepts : :refuses if ours.accepted != theirs.accepted

    return unless ours.seen && theirs.seen

    :sees if [*request.seen.keys, "interim"].any? { |key| ours.seen[key] != theirs.seen[key] }
  end

  Answer = Struct.new(:accepted, :seen)

  # @return [Answer] whether it was accepted, and what the app says that it has seen, if it was the echo
  def answer(port, request)
    Wire.open(port) do |wire|
      wire.write(request.bytes)
      wire.close_write if request.ends || !wire.socket.wait_readable(SILENCE)
      bytes = wire.read_response(bodiless: request.bytes.start_with?("HEAD "))
      # One without a right to it was asked for its body: that is something else to see.
      interim = bytes.slice!(%r{\AHTTP/1\.1 100 .*?\r\n\r\n}m)
      bytes << wire.read_response if interim && bytes.empty?
      content = bytes.partition("\r\n\r\n").last
      seen = Echo.seen(content).merge("interim" => interim) if content.start_with?("\x04\x08")
      Answer.new(bytes.match?(%r{\AHTTP/1\.[01] 200 }), seen)
    end
  end

  def kept?(port, bytes)
    Wire.open(port) do |wire|
      wire.write(bytes)
      wire.read_response
      wire.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      !wire.read_response.empty?
    end
  end
end
