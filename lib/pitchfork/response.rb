# frozen_string_literal: true

require "pitchfork/stream"

module Pitchfork
  # Sends what the app returned, by the kind of its body.
  module Response
    HIJACK = "rack.hijack"
    PROTOCOL = "rack.protocol"
    private_constant :HIJACK, :PROTOCOL

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
          client.send_array(status, headers, body) || check_length(client)
        else
          send_body(client, env, status, headers, body)
        end
      end

      # @return [Boolean] whether a body that is no Array can be made one
      def list?(body)
        body.respond_to?(:to_ary) && !body.respond_to?(:to_path)
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
        if (path = path_of(body))
          send_file(client, status, headers, path)
        elsif body.respond_to?(:each)
          stream(client, status, headers) { body.each { |part| write(client, part) } }
        elsif !body.respond_to?(:call)
          raise ResponseError, "a response body responds to each, call or to_path; got #{body.class}"
        elsif (protocol = headers[PROTOCOL]) || status == 101
          upgrade(client, protocol, headers, body)
        else
          stream(client, status, headers) { Stream.open(client, env["rack.input"]) { |stream| body.call(stream) } }
        end
      end

      # `to_path` may also say nil, and name what is no regular file: then `each` has it.
      def path_of(body)
        return unless body.respond_to?(:to_path) && (path = body.to_path)

        path if File.file?(path)
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
        check_length(client)
      end

      def check_length(client)
        return unless (length = client.mistaken_length)

        raise ResponseError, "the response's Content-Length, #{length}, is not that of its body, which was sent with its own"
      end

      def finish(client)
        missing = client.finish
        return if missing.zero?

        raise ResponseError, "the response body is #{missing} bytes shorter than its Content-Length"
      end

      # The connection speaks the app's protocol from here on (RFC 9110, section 7.8). `rack.protocol` names it since Rack 3.1;
      # before that, the app sets `upgrade` itself.
      def upgrade(client, protocol, headers, body)
        headers = headers.merge("upgrade" => protocol) if protocol
        client.send_hijack_head(101, headers)
        hand_to(body, client.to_io)
      end

      # Partial hijacking: the app writes the body itself, after the head.
      def hand_over(client, status, headers, hijack)
        client.send_hijack_head(status, headers)
        hand_to(hijack, client.to_io)
      end

      # The connection is the app's, and stays open if it wants; but not if it has failed.
      def hand_to(callable, io)
        callable.call(io)
        done = true
      ensure
        io.close unless done
      end
    end
  end
end
