# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork"
require "pitchfork/configuration"

# The names of service workers, and what one does when the master does not want it any more.
class ServiceWorkerTest < UnitTest
  # What the mold's port is to a service worker.
  Port = Struct.new(:nr, :generation, :heard, :said) do
    def hello
      said << :hello
      heard
    end
  end

  # @return [Pitchfork::Server] without listeners
  def server(source)
    configurator = Pitchfork::Configurator.new.evaluate("setpgid false\noom_score_adj false\n#{source}", "pitchfork.rb")
    configuration = Pitchfork::Configuration.new(configurator, listeners: [])
    Pitchfork::Server.new(configuration, listeners: [], scoreboard: Pitchfork::Scoreboard.create, death_pipe: IO.pipe.first)
  end

  def names(source)
    server(source).configuration.service_names
  end

  def test_names
    assert_empty(names(""))
    assert_equal(%i[cron mailer], names("service_workers [:cron, 'mailer']"))
    assert_equal(%i[service], names("before_service_worker_ready { }"))
    assert_equal(%i[cron], names("service_workers [:cron]; before_service_worker_ready { }"))
    assert_empty(names("service_workers []; before_service_worker_ready { }"))
    assert_empty(names("before_service_worker_exit { }"), "nothing would run in it")
  end

  def test_its_name_is_that_of_its_number
    worker = Pitchfork::ServiceWorker.new(server("service_workers [:cron, :mailer]"), Port.new(1, 7))

    assert_equal([:mailer, 7, 0, false], [worker.name, worker.generation, worker.requests_count, worker.mold?])
    assert_equal(Process.pid, worker.pid)
  end

  # Another one of its name may run already.
  def test_one_that_comes_too_late_does_nothing
    port = Port.new(0, 1, false, [])
    worker = Pitchfork::ServiceWorker.new(server("before_service_worker_ready { raise 'it ran' }"), port)
    child = Process.fork { exit!(worker.run) }

    assert_equal(0, Process.wait2(child).last.exitstatus)
  end
end
