# frozen_string_literal: true

require "socket"
require "pitchfork/preparation"

module Pitchfork
  class MoldCheck
    # What every worker will do, done once in a process that nobody depends on. A lock or a thread of a library that did
    # not survive the fork shows here: such code hangs, or crashes.
    module Chores
      # In their order, by the names that the log has for them.
      STEPS = { getaddrinfo: :resolve, subprocess: :run, allocation: :fill, GC: :collect }.freeze
      OBJECTS = 50_000
      STRINGS = 64
      STRING_SIZE = 64 * 1024 # below what malloc would map separately
      private_constant :OBJECTS, :STRINGS, :STRING_SIZE

      class << self
        # It is not the answer that counts: a container may have no name "localhost".
        def resolve
          Addrinfo.getaddrinfo("localhost", 80, nil, :STREAM)
        rescue SocketError
          nil
        end

        # A container may have nothing but the app: that there is no such program was said by the process forked for it.
        def run
          pid = Process.spawn("/bin/true")
          _, status = Process.wait2(pid)
          raise "/bin/true: #{status}" unless status.success?
        rescue Errno::ENOENT
          nil
        end

        def fill
          Preparation.release
          [Array.new(OBJECTS) { Object.new }, Array.new(STRINGS) { "\0" * STRING_SIZE }]
        end

        def collect
          GC.start(full_mark: false)
        end
      end
    end
  end
end
