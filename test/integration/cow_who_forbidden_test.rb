# frozen_string_literal: true

require "support/watched_server"

# `pitchfork cow --who` where the kernel lets nobody have a perf event.
class CowWhoForbiddenTest < WatchedServerTest
  # As in a container: a seccomp filter answers perf_event_open(2) with EPERM. It is installed in the worker.
  FILTER = <<~'RUBY'
    require "fiddle"
    after_worker_fork do
      number = RbConfig::CONFIG["host_cpu"] == "aarch64" ? 241 : 298
      load_number, equal, answer = 0x20, 0x15, 0x06
      program = [[load_number, 0, 0, 0], [equal, 0, 1, number], [answer, 0, 0, 0x0005_0000 | Errno::EPERM::Errno], [answer, 0, 0, 0x7fff_0000]]
      code = program.map { |instruction| instruction.pack("SCCL") }.join
      header = [program.size, Fiddle::Pointer[code].to_i].pack("Sx6J")
      prctl = Fiddle::Function.new(Fiddle.dlopen(nil)["prctl"], [Fiddle::TYPE_INT, *[Fiddle::TYPE_LONG] * 4], Fiddle::TYPE_INT)
      set_no_new_privs, set_seccomp, mode_filter = 38, 22, 2
      raise "no seccomp" unless prctl.call(set_no_new_privs, 1, 0, 0, 0).zero?
      raise "no seccomp" unless prctl.call(set_seccomp, mode_filter, Fiddle::Pointer[header].to_i, 0, 0).zero?
    end
  RUBY

  def test_it_says_why_and_what_helps_and_the_worker_serves_on
    @server = start(app: APP, config: "worker_processes 1\n#{FILTER}")
    served = Integer(@server.get("/").body.split.first)
    before = descriptors(served)
    asking = ask(seconds: 20)
    await(asking)
    said = asking.output.value
    assert_match(/\Apitchfork cow: the kernel lets the worker have no perf event \(perf_event_open: EPERM\): .*--cap-add PERFMON/, said)
    assert_equal(1, asking.status.exitstatus)
    2.times { assert_equal(served, Integer(@server.get("/touch").body.split.first)) }
    assert_equal(before, descriptors(served))
  end
end
