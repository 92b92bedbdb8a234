# frozen_string_literal: true

require "stringio"
require "pitchfork/tune/request"

module Pitchfork
  module Tune
    # Stands between a worker and its app, and writes down what is asked. The app's users do not have to suffer when that fails.
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
      # @param options [Hash] see {#initialize}
      def self.install(server, **options)
        server.app = new(server.app, **options) unless server.app.is_a?(Recorder)
      end

      # @param path [String] of the list, which is there
      # @param headers [Array<String>] recorded besides those that are always
      # @param most [Integer] bytes of a body
      # @param complaints [String] path of a file, which is there, that gets a line when a request could not be written down
      def initialize(app, path:, headers:, most:, complaints:)
        @app = app
        @path = path
        @names = (HEADERS + headers).uniq(&:downcase).to_h { |name| [name, UNTITLED.fetch(name, "HTTP_#{name.upcase.tr("-", "_")}")] }
        @most = most
        @complaints = complaints
      end

      def call(env)
        begin
          record(env)
        rescue StandardError => e
          complain(e) # and the app is called
        end
        @app.call(env)
      end

      private

      def record(env)
        path = text(env["PATH_INFO"] + (env["QUERY_STRING"].empty? ? "" : "?#{env["QUERY_STRING"]}"))
        headers = headers(env)
        reason = unfit(env, path, headers)
        request = Request.new(env["REQUEST_METHOD"], path, headers, reason ? "" : body(env))
        write(@path, reason ? "# left out, #{reason}: #{request.verb} #{path.scrub}" : request.to_line)
      end

      # @return [String, nil] why a request can't be replayed
      def unfit(env, path, headers)
        return "it asks for an upgrade" if env.key?("HTTP_UPGRADE")
        return "its path is not UTF-8" unless path.valid_encoding?
        return "its path is none" unless path.match?(%r{\A/\S*\z})

        strange, = headers.find { |_, value| !value.valid_encoding? }
        return "its header #{strange} is not UTF-8" if strange
        return "it does not say how long its body is" if env.key?("HTTP_TRANSFER_ENCODING")

        "its body is larger than #{@most} bytes" if env["CONTENT_LENGTH"].to_i > @most
      end

      def headers(env)
        @names.filter_map { |name, key| [name, text(env[key])] if env[key] }.to_h
      end

      # What comes over the wire is bytes, and a list is text.
      def text(bytes)
        bytes.dup.force_encoding(Encoding::UTF_8)
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
      def write(path, line)
        File.open(path, File::WRONLY | File::APPEND) { |file| file.syswrite("#{line}\n") }
      end

      # The log may be anywhere, and full of other things: who has begun the recording reads this when it ends.
      def complain(error)
        return if @complained

        @complained = true
        write(@complaints, "#{error.message.lines.first&.chomp&.scrub} (#{error.class})")
      rescue SystemCallError
        nil # there is nobody left to tell
      end
    end
  end
end
