# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/pid_file"

class PidFileTest < UnitTest
  OURS = "#{Process.pid}\n".freeze

  def setup
    @path = File.join(@directory, "server.pid")
  end

  def test_from_claim_to_release
    file = Pitchfork::PidFile.claim(@path)

    assert_equal([OURS, ["server.pid"]], [File.read(@path), Dir.children(".")])
    file.release

    assert_empty(Dir.children("."))
  end

  def test_release_leaves_what_is_somebody_elses
    file = Pitchfork::PidFile.claim(@path)
    File.write(@path, "1\n")
    file.release

    assert_equal("1\n", File.read(@path))
    File.unlink(@path)
    assert_nil(file.release)
  end

  # Nobody's pid, our own (in a container it is often 1 again), another program's, and what is no pid at all.
  def test_a_stale_file_is_replaced
    gone = Process.spawn("true").tap { |pid| Process.wait(pid) }
    [gone, Process.pid, 1, "", "nonsense", "../self"].each do |content|
      write("server.pid", content.to_s)
      Pitchfork::PidFile.claim(@path)

      assert_equal(OURS, File.read(@path), content)
    end
  end

  def test_the_file_of_a_server_that_runs
    other = fork do
      Process.setproctitle(Pitchfork::PidFile::TITLE)
      Process.kill(:STOP, Process.pid)
    end
    Process.wait(other, Process::WUNTRACED) # it has its title now
    write("server.pid", "#{other}\n")

    assert_message("pid #{@path}: process #{other} is a running pitchfork; stop it, or choose another path") do
      Pitchfork::PidFile.claim(@path)
    end
    assert_equal([["server.pid"], "#{other}\n"], [Dir.children("."), File.read(@path)])
  ensure
    Process.kill(:KILL, other)
    Process.wait(other)
  end

  def test_a_relative_path_starts_where_the_server_was_started
    Dir.mkdir("elsewhere")
    program = 'require "pitchfork/pid_file"; Dir.chdir("elsewhere"); Pitchfork::PidFile.claim("server.pid"); print(Process.pid)'
    out, err, = ruby("-e", program)

    assert_equal(["#{out}\n", ""], [File.read(@path), err])
  end

  def test_where_it_cannot_be_written
    assert_message("pid #{@directory}/no/server.pid: cannot be written: there is no directory #{@directory}/no; create it first") do
      Pitchfork::PidFile.claim("#{@directory}/no/server.pid")
    end
    Dir.mkdir("server.pid")
    assert_message("pid #{@path}: cannot be written: something else has that name") { Pitchfork::PidFile.claim(@path) }
    assert_equal(["server.pid"], Dir.children("."))
  end
end
