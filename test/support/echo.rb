# frozen_string_literal: true

# The app of the HTTP tests: answers with what it has seen, byte by byte.
#
# config.ru requires this file; a test reads what the app has answered with {Echo.seen}.
module Echo
  # For config.ru.
  SETUP = "require #{File.expand_path(__FILE__).inspect}"

  # Of env: what is a String, and what came of the body.
  #
  # @param env [Hash]
  # @return [Array] a response
  def self.call(env)
    seen = env.select { |name, value| name.match?(/\A[A-Z]/) && value.is_a?(String) }
    seen["rack.url_scheme"] = env["rack.url_scheme"]
    seen["body"] = env["rack.input"]&.read.to_s
    seen["trailers"] = env["pitchfork.trailers"]
    body = Marshal.dump(seen)
    [200, { "content-type" => "application/octet-stream", "content-length" => body.bytesize.to_s }, [body]]
  end

  # @param content [String] body of a response
  # @return [Hash]
  def self.seen(content)
    Marshal.load(content)
  end

  # Rack::Lint has narrower ideas of some hosts and targets than the RFCs, those of Rack 2 above all: a request that says
  # so goes without.
  #
  # @return [#call]
  def self.linted
    require "uri" # which the Lint of Rack 2.2 uses without asking for it
    require "rack/lint"
    lint = Rack::Lint.new(self)
    ->(env) { (env.key?("HTTP_X_UNUSUAL") ? self : lint).call(env) }
  end
end
