# frozen_string_literal: true

module Chaos
  # The disk with the log and the temporary files is full for a while. The logger does not hide it: it raises.
  class FillTheDisk < Scenario
    # In a mount namespace of its own, so that the disk goes away with the server.
    UNSHARE = %w[unshare --mount].freeze
    MOUNT = ["sh", "-c", 'mount -t tmpfs -o size=2m,mode=1777 none disk && exec "$@"', "sh"].freeze
    LOGGER = <<~'RUBY'
      require "logger"

      # Writes where ServerProcess reads, and then to the disk.
      class Both
        def write(text)
          $stderr.write(text)
          File.write("disk/log", text) # anew each time: only what does not fit at all is too much
        end

        def close; end
      end

      # Ruby's own would only warn.
      class Harsh < Logger
        def add(severity, message = nil, program = nil)
          Both.new.write("#{format_severity(severity)} #{message || program}\n") unless severity < level
          true
        end
      end

      logger Harsh.new(nil, level: :info)
    RUBY
    private_constant :UNSHARE, :MOUNT, :LOGGER

    def self.impossible
      "mounting a small file system is not permitted" unless system(*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt", err: File::NULL)
    end

    def start
      Dir.mkdir("#{@directory}/disk")
      super
    end

    def config
      LOGGER
    end

    def env
      { "TMPDIR" => "#{@directory}/disk" }
    end

    def wrapper
      UNSHARE + MOUNT
    end

    def kinds
      %i[quick slow upload fail]
    end

    def strike
      fill
      fall = random.rand < 0.5 ? blow(:KILL, one(processes.children)) : Strike.new(0, now, [])
      refork if random.rand < 0.3
      wander(0.6)
      Strike.new(fall.faults + 1, now, fall.gone)
    ensure
      File.unlink(ballast)
    end

    private

    # As the server sees it.
    def ballast
      "/proc/#{processes.master}/root#{@directory}/disk/ballast"
    end

    def fill
      File.open(ballast, "w") { |file| loop { file.syswrite("x" * 4096) } }
    rescue Errno::ENOSPC
      nil
    end
  end
end
