# frozen_string_literal: true

require "support/life"

# Several accept queues for one address.
class QueuesTest < LifeTest
  REQUESTS = 60 # that none of them meets a given one of three queues is less likely than 1 in 10^10

  def life(queues_per_worker:, config: "worker_processes 3")
    listen = "listen '127.0.0.1:0', queues: 3, queues_per_worker: #{queues_per_worker}"
    start(app: HOLD, config: "#{listen}\n#{config}")
  end

  # One after the other: a queue without a worker would never answer.
  def assert_all_answered(server)
    bodies = Array.new(REQUESTS) { server.get.body.split }
    assert_equal REQUESTS, bodies.size
    bodies.map { |pid, *| Integer(pid) }.uniq
  end

  # @return [Array<String>] the listening sockets, as /proc names them
  def sockets(server)
    port = format(":%04X", server.port)
    lines = File.readlines("/proc/#{server.pid}/net/tcp").map(&:split)
    lines.select { |line| line[1].end_with?(port) && line[3] == "0A" }.map { |line| "socket:[#{line[9]}]" }.sort
  end

  # @return [Hash{Integer => Array<String>}] those that each worker waits on, by its number
  def sockets_of_workers(server)
    workers = server.tree.select { |node| node.title.start_with?("pitchfork worker") }
    workers.to_h { |node| [Integer(node.title[/\d+/]), polled(node.pid) & sockets(server)] }
  end

  # @return [Array<String>] what this process waits on, by proc_pid_fdinfo(5)
  def polled(pid)
    polls = Dir.children("/proc/#{pid}/fd").select { |fd| link(pid, fd) == "anon_inode:[eventpoll]" }
    polls.flat_map { |fd| File.read("/proc/#{pid}/fdinfo/#{fd}").scan(/^tfd:\s+(\d+)/).map { |(target)| link(pid, target) } }
  end

  def link(pid, descriptor)
    File.readlink("/proc/#{pid}/fd/#{descriptor}")
  rescue Errno::ENOENT
    nil
  end

  def test_who_accepts_from_which
    server = life(queues_per_worker: 1)
    assert_equal 3, sockets(server).size
    inherited = sockets_of_workers(server)
    assert_equal 3, inherited[0].size, "the one that TTOU leaves takes all"
    assert_equal [1, 1], [inherited[1].size, inherited[2].size]
    refute_equal inherited[1], inherited[2]
    assert_all_answered server
    assert_clean_stop server
  end

  def test_no_queue_is_left_when_workers_are_taken_away
    server = life(queues_per_worker: 1)
    2.times do
      server.signal(:TTOU)
      server.wait_for(/worker=\d gen=0 pid=\d+ retired/)
      assert_all_answered server
    end
    assert_equal [server.process("pitchfork worker[0]").pid], assert_all_answered(server)
  end

  def test_a_new_generation_serves_the_same_queues
    server = life(queues_per_worker: 2)
    before = sockets(server)
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_equal before, sockets(server)
    workers = server.tree.select { |node| node.title.start_with?("pitchfork worker") }.map(&:pid)
    assert_empty assert_all_answered(server) - workers
    assert_equal [3, 2, 2], sockets_of_workers(server).values.map(&:size)
  end

  def test_a_hot_restart_keeps_the_sockets
    server = life(queues_per_worker: 1)
    before = sockets(server)
    text = File.read(path("pitchfork.rb"))
    write("pitchfork.rb", text.sub("queues: 3, queues_per_worker: 1", "queues: 2, queues_per_worker: 2"))
    server.signal(:HUP)
    server.wait_for(/listen 127\.0\.0\.1:0: queues can't be changed while the server runs/)
    server.wait_for(/rollout gen=1 done/)
    assert_equal before, sockets(server)
    assert_equal [3, 2, 2], sockets_of_workers(server).values.map(&:size)
    assert_all_answered server
  end

  # A second server with the same configuration must not join them.
  def test_the_address_is_in_use
    server = life(queues_per_worker: 1)
    second = server(app: HOLD, config: "listen '127.0.0.1:#{server.port}', queues: 3, tries: 0").spawn
    assert_equal 1, second.wait.exitstatus
    assert_match(/cannot listen on 127\.0\.0\.1:#{server.port}: address already in use/, second.log)
    assert_all_answered server
  end

  def test_a_unix_socket_has_one
    server = start(app: HOLD, config: "listen '#{path("app.sock")}', queues: 3\nworker_processes 2")
    5.times do
      answer = UNIXSocket.open(path("app.sock")) do |socket|
        socket.write("GET / HTTP/1.0\r\n\r\n")
        socket.read
      end
      assert_match(/\AHTTP\/1\.1 200/, answer)
    end
    assert_clean_stop server
  end
end
