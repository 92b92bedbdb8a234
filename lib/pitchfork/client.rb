# frozen_string_literal: true

require "pitchfork/deadline"
require "socket"

module Pitchfork
  # One connection, from its request to its response. The extension has most of it; here is what env offers of it:
  # `env["rack.hijack"]`, `env["pitchfork.socket"]` and `env["pitchfork.timeout"]` are the client itself.
  class Client
    include Deadline

    # Full hijacking: hands the connection over to the app, which then has to close it. Rack 2 looks for it in
    # `env["rack.hijack_io"]`, too, which is in the env of no other.
    #
    # @return [Socket]
    def call
      env["rack.hijack_io"] = to_io if env.key?("rack.hijack_io")
      to_io
    end

    # @return [Socket] the same one each time; from the first call on the connection is the app's
    def to_io
      @to_io ||= begin
        descriptor, early = detach
        io = Socket.for_fd(descriptor)
        io.binmode
        io.sync = true
        # Came together with the request, and is the first that the app has to read.
        io.ungetbyte(early) unless early.empty?
        io
      end
    end
  end
end
