# frozen_string_literal: true

require "pitchfork/stream"

module Pitchfork
  # Sends what the app returned, by the kind of its body.
  module Response
    HIJACK = "rack.hijack"
    private_constant :HIJACK

    class << self
      # @param client [Client]
      # @param env [Hash]
      # @raise [ClientShutdown] when the client is gone
      # @raise [ResponseError] when it can't be sent
      def deliver(client, env, status, headers, body)
        headers = to_hash(headers) unless Hash === headers
        status = Integer(status) unless Integer === status
        if (hijack = headers[HIJACK])
          hand_over(client, status, headers, hijack)
        elsif Array === body
          client.send_array(status, headers, body)
        else
          send_body(client, env, status, headers, body)
        end
      end

      # Sends a part of a body whose head is sent.
      #
      # @raise [ResponseError] when it does not fit into the Content-Length
      def write(client, part)
        return if client.write(part)

        raise ResponseError, "the response body is longer than its Content-Length; the rest is not sent"
      end

      private

      # Rack 2 wants no more than `each` of headers, which may give a name twice.
      def to_hash(headers)
        hash = {}
        headers.each { |name, value| hash[name] = hash.key?(name) ? [*hash[name], *value] : value }
        hash
      end

      def send_body(client, env, status, headers, body)
        if body.respond_to?(:to_path) && File.file?(path = body.to_path)
          send_file(client, status, headers, path)
        elsif body.respond_to?(:to_ary)
          client.send_array(status, headers, body.to_ary)
        elsif body.respond_to?(:each)
          stream(client, status, headers) { body.each { |part| write(client, part) } }
        elsif body.respond_to?(:call)
          stream(client, status, headers) { body.call(Stream.new(client, env["rack.input"])) }
        else
          raise ResponseError, "a response body responds to each, call or to_path; got #{body.class}"
        end
      end

      def stream(client, status, headers)
        yield if client.send_head(status, headers, nil)
        finish(client)
      end

      def send_file(client, status, headers, path)
        File.open(path, "rb") do |file|
          size = file.size
          client.send_file(file.fileno, size) if client.send_head(status, headers, size)
        end
        finish(client)
      end

      def finish(client)
        missing = client.finish
        return if missing.zero?

        raise ResponseError, "the response body is #{missing} bytes shorter than its Content-Length"
      end

      # Partial hijacking: the app writes the body itself, after the head.
      def hand_over(client, status, headers, hijack)
        client.send_hijack_head(status, headers)
        hijack.call(client.to_io)
      end
    end
  end
end
