# frozen_string_literal: true

require "json"

module Pitchfork
  module Tune
    # One request of a list, as it goes over the wire.
    Request = Struct.new(:verb, :path, :headers, :body) do
      # @!attribute verb
      #   @return [String] GET, POST, …
      # @!attribute path
      #   @return [String] with its query
      # @!attribute headers
      #   @return [Hash{String => String}]
      # @!attribute body
      #   @return [String] bytes; empty: none

      # @param number [Integer] stands in the place of each {n} in path and body
      # @return [String] head and body
      def bytes(number)
        sent = numbered(body, number).b
        fields = fields(sent.bytesize)
        lines = fields.map { |name, value| "#{name}: #{value}\r\n" }
        "#{verb} #{numbered(path, number)} HTTP/1.1\r\n#{lines.join}\r\n".b << sent
      end

      # @return [String] a line of a request list
      def to_line
        return "#{verb} #{path}" if headers.empty? && body.empty?

        fields = { method: verb, path: path }
        fields[:headers] = headers unless headers.empty?
        JSON.generate(fields.merge(written_body))
      end

      private

      # @param length [Integer] bytes of the body
      # @return [Array<(String, String)>] how long the message is and when the connection ends is not for a list to say
      def fields(length)
        given = headers.reject { |name, _| Request::OURS.include?(name.downcase) }
        hosts, others = given.partition { |name, _| name.casecmp?("Host") }
        ours = [hosts.first || %w[Host localhost], %w[Connection close]]
        return ours + others if length.zero? && %w[GET HEAD DELETE OPTIONS].include?(verb)

        ours + others << ["Content-Length", length]
      end

      def numbered(text, number)
        text.include?("{n}") ? text.gsub("{n}", number.to_s) : text
      end

      # JSON is text: other bytes are written in base64.
      def written_body
        return {} if body.empty?

        text = body.dup.force_encoding(Encoding::UTF_8)
        text.valid_encoding? ? { body: text } : { body_base64: [body].pack("m0") }
      end
    end

    # Headers that the client of a replay says itself, in small letters.
    Request::OURS = %w[connection content-length transfer-encoding].freeze
  end
end
