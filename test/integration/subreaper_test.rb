# frozen_string_literal: true

require "support/life"

# A kernel that does not make the server a child subreaper: it serves, without reforking.
class SubreaperTest < LifeTest
  # Loaded by the master's Ruby and by the boot mold's: a seccomp filter (seccomp(2), BPF of linux/filter.h) that has
  # prctl(PR_SET_CHILD_SUBREAPER) answer EINVAL. Filters are inherited and nested, so twice does no harm.
  REFUSE = <<~'RUBY'
    require "fiddle"

    number = { "x86_64" => 157, "aarch64" => 167 }.fetch(RbConfig::CONFIG["host_cpu"]) # of prctl
    load, equal, answer = 0x20, 0x15, 0x06 # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K
    allow, refuse = 0x7fff0000, 0x00050000 | Errno::EINVAL::Errno # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO
    program = [
      [load, 0, 0, 0], [equal, 0, 3, number],  # seccomp_data.nr
      [load, 0, 0, 16], [equal, 0, 1, 36],     # the low half of args[0]; PR_SET_CHILD_SUBREAPER
      [answer, 0, 0, refuse], [answer, 0, 0, allow]
    ].map { |instruction| instruction.pack("SCCL") }.join
    filter = Fiddle::Pointer[[program.bytesize / 8, Fiddle::Pointer[program].to_i].pack("Sx6J")]
    prctl = Fiddle::Function.new(Fiddle::Handle::DEFAULT["prctl"], [Fiddle::TYPE_INT, *[Fiddle::TYPE_LONG] * 4], Fiddle::TYPE_INT)
    refused = prctl.call(38, 1, 0, 0, 0) | prctl.call(22, 2, filter.to_i, 0, 0) # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP
    abort "no seccomp: #{Fiddle.last_error}" unless refused.zero?
    abort "the filter does not filter" if prctl.call(36, 1, 0, 0, 0).zero?
  RUBY

  def start_without_subreaper(config = "worker_processes 2")
    start(app: HOLD, config: config, ruby: ["-W0", "-r", write("refuse.rb", REFUSE)])
  end

  # All processes of the server, whoever their parent is.
  def workers(server)
    server.log.scan(/worker=\d+ gen=\d+ pid=(\d+) ready/).map { |pid,| pid.to_i }.select { |pid| server.alive?(pid) }
  end

  def test_it_says_so_and_serves
    server = start_without_subreaper
    assert_match(/WARN.*does not make pitchfork a child subreaper.*serving without reforking/, server.log)
    3.times { assert_equal "200", server.get.code }
    mold = server.process("pitchfork mold")
    assert_equal [mold.pid], server.tree.drop(1).map(&:pid), "workers are the mold's children here"
    assert_equal 2, server.descendants(mold.pid).size
    assert_clean_stop server
  end

  def test_no_refork
    server = start_without_subreaper("worker_processes 2\nrefork_after [3]")
    server.signal(:USR2)
    server.wait_for(/refork requested, but this server can't adopt processes \(no subreaper\)/)
    20.times { assert_equal "0", server.get.body.split.last }
    refute_match(/promoted/, server.log)
    assert_clean_stop server
  end

  def test_a_killed_worker_is_replaced_and_no_zombie_stays
    server = start_without_subreaper
    killed = 3.times.map do
      pid = workers(server).last
      server.signal(:KILL, to: pid)
      server.wait_for(/worker=\d gen=0 pid=\d+ ready/)
      pid
    end
    assert_equal "200", server.get.code
    assert_equal 2, workers(server).size
    states = killed.map { |pid| File.exist?("/proc/#{pid}") }
    assert_equal [false] * 3, states, "the mold has not waited for its dead children"
    assert_clean_stop server
  end

  def test_a_worker_that_is_told_to_go_and_one_more
    server = start_without_subreaper
    server.signal(:TTIN)
    server.wait_for(/worker=2 gen=0 pid=\d+ ready/)
    server.signal(:TTOU)
    server.wait_for(/worker=2 gen=0 pid=\d+ retired/)
    assert_clean_stop server
  end

  def test_a_killed_mold_is_booted_again
    server = start_without_subreaper
    before = workers(server)
    watch(server)
    server.signal(:KILL, to: server.process("pitchfork mold").pid)
    server.wait_for(/mold gen=0 pid=\d+ died of SIGKILL/)
    server.wait_for(/mold gen=1 pid=\d+ ready/)
    assert_equal "200", server.get.code
    server.signal(:KILL, to: before.last)
    server.wait_for(/worker=\d gen=1 pid=\d+ ready/)
    assert_equal "200", server.get.code
    left = workers(server)
    assert_clean_stop server
    server.wait_gone(before + left)
  end

  def test_a_busy_worker_finishes_its_request_at_the_end
    server = start_without_subreaper
    watch(server)
    response = hold(server)
    server.signal(:TERM)
    server.wait_for(/stopping on SIGTERM/)
    release
    assert_equal "200", response.value.code
    assert_equal 0, server.wait.exitstatus
    server.wait_gone(held_by)
  end

  def test_a_dead_master
    server = start_without_subreaper
    children = watch(server)
    server.kill_master
    server.wait_gone(children)
  end
end
