# frozen_string_literal: true

module Chaos
  # The application and the configuration that the scenarios have in common.
  module Site
    # Answers with its pid, the number of the request and the body that came along.
    APP = <<~'RUBY'
      run ->(env) do
        case env["PATH_INFO"]
        when "/slow" then sleep(rand * 0.02)
        when "/fail" then raise "asked to fail"
        when "/crash"
          File.write("crashed", Process.pid)
          Process.kill(:SEGV, Process.pid)
        end
        body = env["rack.input"]&.read
        [200, { "content-type" => "text/plain" }, ["#{Process.pid} #{env["QUERY_STRING"]} #{body}"]]
      end
    RUBY

    # Short limits, so that what hangs is found while a test waits for it. A hook does what a file of its name says.
    CONFIGURATION = <<~'RUBY'
      listen "127.0.0.1:0"
      listen File.expand_path("server.sock")
      timeout 2, cleanup: 0.5
      spawn_timeout 1
      client_body_buffer_size 16 * 1024

      def chaos(hook)
        case File.exist?(hook) && File.read(hook)
        when "raise" then raise "broken on purpose"
        when "hang" then sleep
        end
      end

      before_fork { |_| chaos("before_fork") }
      after_worker_fork { |_, _| chaos("after_worker_fork") }
      after_mold_fork { |_, _| chaos("after_mold_fork") }
    RUBY
  end
end
