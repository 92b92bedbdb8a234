# frozen_string_literal: true

require_relative "server"
require_relative "tools"

module Bench
  # This project. The app's own config/pitchfork.rb counts, but for when to refork: that is the benchmark's to say.
  class Pitchfork < Server
    # Promotes a worker, and waits until all workers come from it.
    #
    # @return [Integer] the new generation
    def refork
      @generation = (@generation || 0) + 1
      Process.kill(:USR2, pid)
      log.wait_for(/rollout gen=#{@generation} done/)
      @generation
    end

    private

    def command
      own = "#{File.dirname(app)}/config/pitchfork.rb"
      path = config(<<~RUBY)
        #{"instance_eval(File.read(#{own.dump}), #{own.dump})" if File.exist?(own)}
        worker_processes #{workers}
        refork_after nil
        #{settings}
      RUBY
      [RbConfig.ruby, "-I", "#{ROOT}/lib", "#{ROOT}/exe/pitchfork", "-E", "production", "-c", path, "-l", target, app]
    end

    # What a benchmark adds to the configuration. Most refork while nothing is asked, so that no canary could answer anything.
    def settings
      "canary_requests 0"
    end

    def ready
      [/server ready: #{workers} workers/, 1]
    end
  end

  # Puma in cluster mode, one thread a worker, the app loaded before the fork.
  class Puma < Server
    private

    def command
      bind = @unix ? "unix://#{target}" : "tcp://#{target}"
      ["puma", "-e", "production", "-w", workers.to_s, "-t", "1:1", "--preload", "-C", config(""), "-b", bind, app]
    end

    def ready
      [/Worker \d+ \(PID: \d+\) booted/, workers]
    end
  end

  # Unicorn, the app loaded before the fork. -N: no middleware that the app did not ask for.
  class Unicorn < Server
    private

    def command
      path = config("worker_processes #{workers}\npreload_app true\ntimeout 60\n")
      ["unicorn", "-E", "production", "-N", "-c", path, "-l", target, app]
    end

    def ready
      [/worker=\d+ ready/, workers]
    end
  end

  # The C program that does nothing but accept, read, write a constant and close.
  class Floor < Server
    # What Hello World amounts to on the wire.
    RESPONSE = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 12\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n" \
               "connection: close\r\n\r\nHello World\n"

    private

    def command
      File.binwrite("#{directory}/response", RESPONSE)
      [Tools.floor, workers.to_s, @unix ? target : @port.to_s, "#{directory}/response"]
    end

    def ready
      [/listening on/, 1]
    end
  end
end
