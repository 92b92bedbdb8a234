# frozen_string_literal: true

require "stringio"
require "pitchfork/tune/request"

module Pitchfork
  module Tune
    # Stands between a worker and its app, and writes down what is asked.
    class Recorder
      # What changes an answer, and is no secret.
      HEADERS = %w[
        Accept Accept-Encoding Accept-Language Content-Type Host If-Modified-Since If-None-Match User-Agent X-Requested-With
      ].freeze
      UNTITLED = { "Content-Type" => "CONTENT_TYPE", "Host" => "HTTP_HOST" }.freeze
      private_constant :HEADERS, :UNTITLED

      # Once in every worker; one that was promoted has handed its app on to those it has forked.
      #
      # @param server [Server]
      # @param path [String] of the list, which is there
      # @param headers [Array<String>] recorded besides those that are always
      # @param most [Integer] bytes of a body
      def self.install(server, path, headers, most)
        server.app = new(server.app, path, headers, most) unless server.app.is_a?(Recorder)
      end

      def initialize(app, path, headers, most)
        @app = app
        @path = path
        @names = (HEADERS + headers).to_h { |name| [name, UNTITLED.fetch(name, "HTTP_#{name.upcase.tr("-", "_")}")] }
        @most = most
      end

      def call(env)
        record(env)
        @app.call(env)
      end

      private

      def record(env)
        path = env["PATH_INFO"] + (env["QUERY_STRING"].empty? ? "" : "?#{env["QUERY_STRING"]}")
        reason = unfit(env)
        request = Request.new(env["REQUEST_METHOD"], path, headers(env), reason ? "" : body(env))
        write(reason ? "# left out, #{reason}: #{request.verb} #{request.path}" : request.to_line)
      end

      # @return [String, nil] why a request can't be replayed
      def unfit(env)
        return "it asks for an upgrade" if env.key?("HTTP_UPGRADE")
        return "its path is none" unless env["PATH_INFO"].match?(%r{\A/\S*\z}) && env["QUERY_STRING"].match?(/\A\S*\z/)

        return "it does not say how long its body is" if env.key?("HTTP_TRANSFER_ENCODING")

        "its body is larger than #{@most} bytes" if env["CONTENT_LENGTH"].to_i > @most
      end

      def headers(env)
        @names.filter_map { |name, key| [name, env[key]] if env[key] }.to_h
      end

      # What is read here is given to the app from here.
      #
      # @return [String] bytes
      def body(env)
        return "" unless env["CONTENT_LENGTH"].to_i.positive?

        body = env["rack.input"].read.to_s.b
        env["rack.input"] = StringIO.new(body)
        body
      end

      # Lines of several workers do not mix: one write to a file that is opened for appending is one piece.
      def write(line)
        File.open(@path, File::WRONLY | File::APPEND) { |file| file.syswrite("#{line}\n") }
      rescue SystemCallError
        nil # the app's users do not have to suffer
      end
    end
  end
end
