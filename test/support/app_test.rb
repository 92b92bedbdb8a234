# frozen_string_literal: true

require "rack"
require "time"
require_relative "integration_helper"
require_relative "reply"

# A test of how one app is served. Unless the app breaks the rules on purpose it stands behind Rack::Lint, which checks the
# server's side of the running Rack's SPEC as strictly as the app's.
class AppTest < IntegrationTest
  RACK = Rack.release.to_i

  # Rack 2.2 uses URI without asking for it, and takes the NameError for a wrong SERVER_NAME.
  LINT = "require 'uri'\nrequire 'rack/lint'\nuse Rack::Lint\n"

  # For the app: leaves a line for the test. It is there when the response to a later request is.
  NOTE = "module Kernel\ndef note(line) = File.write('notes', \"\#{line}\\n\", mode: 'a')\nend\n"

  # @param app [String] what config.ru is to run: an expression
  # @param setup [String] text of config.ru in front of it
  # @param lint [Boolean] whether the app keeps to the SPEC
  # @return [ServerProcess] with one worker, so that the answer to a request says that the one before is over
  def serve(app, setup: "", lint: true, **options)
    start(app: "#{NOTE}#{setup}\n#{LINT if lint}run(#{app.strip})\n", **options)
  end

  # Sends bytes on a connection of its own, and reads to its end.
  #
  # @return [Reply]
  def ask(server, bytes, &block)
    Reply.parse(talk(server, bytes, &block))
  end

  # A GET request in HTTP/1.1.
  #
  # @return [Reply]
  def fetch(server, target = "/", *fields)
    ask(server, request("GET", target, *fields))
  end

  # @return [String] bytes of a request
  def request(method, target, *fields, body: "", version: "1.1")
    "#{method} #{target} HTTP/#{version}\r\nHost: test\r\n#{fields.map { |field| "#{field}\r\n" }.join}\r\n#{body}"
  end

  # @return [String] bytes of a POST request with its Content-Length
  def post(body, *fields, target: "/")
    request("POST", target, "Content-Length: #{body.bytesize}", *fields, body: body)
  end

  # @return [String] all that the server sends
  def talk(server, bytes)
    TCPSocket.open("127.0.0.1", server.port) do |socket|
      socket.write(bytes)
      yield socket if block_given?
      socket.read
    end
  end

  # Ends a connection in a way that the server notices at once: with a reset.
  def reset(socket)
    socket.setsockopt(:SOCKET, :LINGER, [1, 0].pack("ii"))
    socket.close
  end

  # @return [Array<String>] what the app has noted
  def notes
    path = File.join(@directory, "notes")
    File.exist?(path) ? File.readlines(path, chomp: true) : []
  end
end
