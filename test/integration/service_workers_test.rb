# frozen_string_literal: true

require "support/life"

# Processes beside the workers, for what has to run once in a server.
class ServiceWorkersTest < LifeTest
  # Each has a thread that says who it is when it is asked, and a lock that two of one name can't have.
  CONFIG = <<~'RUBY'
    service_workers [:cron, :queue]
    before_service_worker_ready do |server, service|
      record(:ready, service: service.name, service_pid: service.pid, generation: service.generation, mold: service.mold?,
        requests: service.requests_count, gc_was_off: GC.enable, workers: server.worker_processes)
      $lock = File.open("#{service.name}.lock", File::CREAT)
      $lock.flock(File::LOCK_EX | File::LOCK_NB) or raise "there are two of #{service.name}"
      Thread.new do
        loop do
          File.open("#{service.name}.asks", "r+") { |fifo| fifo.read(1) }
          File.write("#{service.name}.answers", "#{service.name} #{Process.pid}")
        end
      end
    end
    before_service_worker_exit { |server, service| record(:exit, service: service.name) }
  RUBY

  def before_setup
    super
    %w[cron queue metrics].product(%w[asks answers]) { |name, what| File.mkfifo(path("#{name}.#{what}")) }
  end

  def life(config = "")
    start(app: HOLD, config: "#{RECORD}#{CONFIG}#{config}").tap { |server| wait_until_ready(server) }
  end

  # Workers and service workers get ready in no order: the line may have been passed.
  def see(server, pattern)
    server.wait_for(pattern) unless server.log.match?(pattern)
  end

  def wait_until_ready(server, generation: 0, names: %w[cron queue])
    names.each { |name| see(server, /service=#{name} gen=#{generation} pid=\d+ ready/) }
  end

  # @return [String] the name and the pid of who has answered
  def ask(name)
    File.write(path("#{name}.asks"), ".")
    File.read(path("#{name}.answers"))
  end

  def service(server, name)
    server.process("pitchfork service[#{name}]").pid
  end

  def test_their_threads_run
    server = life("worker_processes 2")
    titles = ["pitchfork service[cron] (gen:0)", "pitchfork service[queue] (gen:0)"]
    assert_equal titles, server.titles.grep(/service/)
    2.times do
      %w[cron queue].each { |name| assert_equal "#{name} #{service(server, name)}", ask(name) }
    end
    assert_equal "200", server.get.code
    assert_clean_stop server
  end

  def test_what_one_tells_of_itself
    server = life("worker_processes 3")
    cron = recorded(:ready).find { |line| line[:service] == "cron" }
    expected = { service_pid: service(server, "cron"), generation: 0, mold: false, requests: 0, gc_was_off: false, workers: 3 }
    assert_equal expected, cron.slice(*expected.keys)
  end

  def test_one_that_is_killed_comes_back
    server = life
    cron, queue = %w[cron queue].map { |name| service(server, name) }
    server.signal(:KILL, to: cron)
    server.wait_for(/service=cron gen=0 pid=#{cron} died of SIGKILL/)
    server.wait_for(/service=cron gen=0 pid=\d+ ready/)
    refute_equal cron, service(server, "cron")
    assert_equal "cron #{service(server, "cron")}", ask("cron")
    assert_equal "queue #{queue}", ask("queue")
  end

  def test_one_that_is_sent_away_comes_back
    server = life
    cron = service(server, "cron")
    server.signal(:QUIT, to: cron)
    server.wait_for(/service=cron gen=0 pid=#{cron} left/)
    server.wait_for(/service=cron gen=0 pid=\d+ ready/)
    assert_equal([cron], recorded(:exit).map { |line| line[:pid] })
  end

  def test_a_refork_renews_them_and_there_are_never_two_of_one_name
    server = life("worker_processes 2\nrefork_max_unavailable 1")
    former = %w[cron queue].map { |name| service(server, name) }
    2.times do |generation|
      server.signal(:USR2)
      server.wait_for(/rollout gen=#{generation + 1} done/)
      wait_until_ready(server, generation: generation + 1)
    end
    titles = ["pitchfork service[cron] (gen:2)", "pitchfork service[queue] (gen:2)"]
    assert_equal titles, server.titles.grep(/service/)
    refute_match(/there are two/, server.log)
    lives = recorded.select { |line| line[:service] == "cron" }
    assert_equal(%w[ready exit ready exit ready], lives.map { |line| line[:name] })
    assert(lives.each_slice(2).all? { |life| life.uniq { |line| line[:pid] }.one? })
    assert_empty former & server.descendants.map(&:pid), "they have been promoted, or stayed"
    assert_equal "cron #{service(server, "cron")}", ask("cron")
    assert_clean_stop server
  end

  # The queue's, which goes by another number then, is renewed like all others.
  def test_a_hot_restart_with_other_names
    server = life
    write("pitchfork.rb", File.read(path("pitchfork.rb")).sub("[:cron, :queue]", "[:queue, :metrics]"))
    server.signal(:HUP)
    wait_until_ready(server, generation: 1, names: %w[queue metrics])
    server.wait_for(/rollout gen=1 done/) unless server.log.include?("rollout gen=1 done")
    assert_equal ["pitchfork service[metrics] (gen:1)", "pitchfork service[queue] (gen:1)"], server.titles.grep(/service/)
    refute_match(/there are two/, server.log)
    assert_equal "queue #{service(server, "queue")}", ask("queue")
    assert_clean_stop server
  end

  def test_without_names_there_is_one
    server = start(app: HOLD, config: "before_service_worker_ready { }")
    see(server, /service=service gen=0 pid=\d+ ready/)
    assert_equal ["pitchfork service[service] (gen:0)"], server.titles.grep(/service/)
    assert_clean_stop server
  end

  def test_without_a_callback_there_is_none
    server = start(app: HOLD)
    assert_empty server.titles.grep(/service/)
  end

  def test_the_end_of_the_server_is_announced_to_them
    server = life
    assert_clean_stop server
    assert_equal %w[cron queue], recorded(:exit).map { |line| line[:service] }.sort
    assert_equal 2, server.log.scan(/service=\w+ gen=0 pid=\d+ retired$/).size
  end

  def test_an_exception_before_it_is_ready
    config = <<~'RUBY'
      before_service_worker_ready do
        record(:tried, at: Process.clock_gettime(Process::CLOCK_MONOTONIC))
        raise "oops" if File.exist?("ill")
      end
    RUBY
    write("ill", "")
    server = start(app: HOLD, config: RECORD + config)
    worker = server.process("pitchfork worker").pid
    3.times do
      server.wait_for(/service=service gen=0 pid=\d+ did not become ready: it exited with status 1/)
      assert_equal "#{worker} 0 0", server.get.body
    end
    File.unlink(path("ill"))
    server.wait_for(/service=service gen=0 pid=\d+ ready/)
    assert_equal worker, server.process("pitchfork worker").pid
    first, second, third = recorded(:tried).map { |line| line[:at] }
    assert_operator second - first, :>=, 0.1
    assert_operator third - second, :>=, 0.5, "the delay grows"
    assert_clean_stop_in_spite_of_backtraces server
  end

  def test_an_exception_before_it_leaves
    server = start(app: HOLD, config: "service_workers [:cron]\nbefore_service_worker_exit { raise 'oops' }")
    see(server, /service=cron gen=0 pid=\d+ ready/)
    assert_clean_stop_in_spite_of_backtraces server
    assert_match(/before_service_worker_exit raised: oops \(RuntimeError\)/, server.log)
    assert_match(/service=cron gen=0 pid=\d+ retired/, server.log)
  end

  def test_a_callback_that_does_not_return
    config = "spawn_timeout 1\nbefore_service_worker_ready { wait_here unless File.exist?('well') }"
    server = start(app: HOLD, config: config)
    stuck = Integer(File.read(path("held")))
    write("well", "")
    server.wait_for(/service=service gen=0 pid=#{stuck} was not ready in time: killed/)
    server.wait_for(/service=service gen=0 pid=\d+ ready/)
    assert_equal "200", server.get.code
    assert_clean_stop server
  end

  # The address is free for another server, though one of the service workers still has something to finish.
  def test_the_death_of_the_master
    server = start(app: HOLD, config: "service_workers [:cron]\nbefore_service_worker_exit { wait_here }")
    see(server, /service=cron gen=0 pid=\d+ ready/)
    port = server.port
    cron = service(server, "cron")
    others = watch(server) - [cron]
    server.kill_master
    assert_equal cron, Integer(File.read(path("held")))
    server.wait_gone(others)
    TCPServer.new("127.0.0.1", port).close
    release
    server.wait_gone(cron)
  end

  private

  def assert_clean_stop_in_spite_of_backtraces(server)
    children = watch(server)
    assert_equal 0, server.stop.exitstatus
    server.wait_gone(children)
  end
end
