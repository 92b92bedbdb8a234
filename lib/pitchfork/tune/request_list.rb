# frozen_string_literal: true

require "pitchfork/errors"
require "pitchfork/tune/request"

module Pitchfork
  module Tune
    # The requests that are replayed, from a file with one a line:
    #
    #   # a comment
    #   GET /notes/{n}
    #   {"method": "POST", "path": "/notes", "headers": {"Content-Type": "application/json"}, "body": "{\"n\": {n}}"}
    #   127.0.0.1 - - [22/Nov/2026:10:00:00 +0000] "GET /notes HTTP/1.1" 200 512
    #
    # Lines of an access log say nothing of a body, so that those with another method than GET and HEAD are left out.
    class RequestList
      # Any token (RFC 9110, section 9.1) that begins like a method's name and has no small letters: those are a mistake.
      VERB = /[A-Z][A-Z0-9!#$%&'*+.^_`|~-]*/
      PLAIN = /\A(?:(#{VERB}) )?(\/\S*)\z/
      ACCESS_LOG = /"(#{VERB}) (\/\S*) HTTP\/\d(?:\.\d)?"(?: |\z)/
      WITHOUT_BODY = %w[GET HEAD].freeze
      JSON_KEYS = %w[method path headers body body_base64].freeze
      # RFC 9110, section 5.6.2: what a field name may consist of.
      TOKEN = /\A[!#$%&'*+\-.^_`|~0-9A-Za-z]+\z/
      private_constant :VERB, :PLAIN, :ACCESS_LOG, :WITHOUT_BODY, :JSON_KEYS, :TOKEN

      # @return [Array<Request>] at least one
      attr_reader :requests
      # @return [Integer] lines of an access log that could not be used
      attr_reader :left_out

      # @param path [String]
      # @return [RequestList]
      # @raise [ConfigurationError] with file and line
      def self.read(path)
        parse(File.read(path, encoding: "bom|utf-8"), path)
      rescue SystemCallError => e
        raise ConfigurationError, "#{path}: #{e.message[/\A[^@]+/].strip}; it was to hold the requests"
      end

      # @param text [String]
      # @param name [String] of its file, for messages
      def self.parse(text, name)
        new(name).tap { |list| list.parse(text) }
      end

      def initialize(name)
        @name = name
        @requests = []
        @left_out = 0
      end

      # @raise [ConfigurationError]
      def parse(text)
        text.each_line.with_index(1) do |line, number|
          line = line.scrub.strip
          add(line) unless line.empty? || line.start_with?("#")
        rescue ConfigurationError => e
          raise ConfigurationError, "#{@name}:#{number}: #{e.message}"
        end
        return unless requests.empty?

        raise ConfigurationError, "#{@name}: no requests#{", only lines of an access log that have a body" if left_out.positive?}; " \
                                  "expected lines such as GET /path"
      end

      # @return [Request] the request that is sent as the one with this number, from 0
      def [](number)
        requests[number % requests.size]
      end

      private

      def add(line)
        if line.start_with?("{")
          requests << from_json(line)
        elsif (match = PLAIN.match(line))
          requests << Request.new(match[1] || "GET", match[2], {}, "")
        elsif (match = ACCESS_LOG.match(line))
          add_logged(*match.captures)
        else
          raise ConfigurationError, "expected GET /path, a JSON object, or a line of an access log, got #{line[0, 60].inspect}"
        end
      end

      def add_logged(verb, path)
        return @left_out += 1 unless WITHOUT_BODY.include?(verb)

        requests << Request.new(verb, path, {}, "")
      end

      def from_json(line)
        fields = JSON.parse(line)
        unknown = fields.keys - JSON_KEYS
        raise ConfigurationError, "unknown key #{unknown.first}; expected #{JSON_KEYS.join(", ")}" if unknown.any?

        Request.new(verb(fields), path(fields), headers(fields), body(fields))
      rescue JSON::ParserError => e
        raise ConfigurationError, "not JSON: #{e.message.lines.first.strip[0, 120]}"
      end

      def verb(fields)
        value = fields.fetch("method", "GET")
        return value if value.is_a?(String) && value.match?(/\A#{VERB}\z/)

        raise ConfigurationError, "method: expected a word such as GET, got #{value.inspect}"
      end

      def path(fields)
        value = fields["path"]
        return value if value.is_a?(String) && value.match?(/\A\/\S*\z/)

        raise ConfigurationError, "path: expected a String that starts with / and has no spaces, got #{value.inspect}"
      end

      def headers(fields)
        value = fields.fetch("headers", {})
        good = value.is_a?(Hash) && value.all? { |name, text| name.match?(TOKEN) && text.is_a?(String) && !text.match?(/[\r\n\0]/) }
        raise ConfigurationError, "headers: expected an object of names and strings, got #{value.inspect[0, 80]}" unless good

        value
      end

      def body(fields)
        value = fields["body"] || fields["body_base64"]&.unpack1("m0") || ""
        raise ConfigurationError, "body: expected a String, got #{value.inspect[0, 80]}" unless value.is_a?(String)

        value
      rescue ArgumentError, NoMethodError
        raise ConfigurationError, "body_base64: expected base64 without line ends, got #{fields["body_base64"].inspect[0, 60]}"
      end
    end
  end
end
