# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/cow/master"

class CowMasterTest < UnitTest
  # Processes by pid: title, parent, owner.
  Table = Struct.new(:processes) do
    def pids = processes.keys
    def title(pid) = processes[pid]&.at(0)
    def parent(pid) = processes[pid]&.at(1)
    def owner(pid) = processes[pid]&.at(2)
    def zombie?(pid) = title(pid) == ""
    def working_directory(pid) = (owner(pid) == 1000 ? "/srv/#{pid}" : nil)
  end

  MASTER = "pitchfork master"
  ONE = { 1 => ["init", 0, 0], 10 => [MASTER, 1, 1000], 11 => ["pitchfork mold (gen:0)", 10, 1000], 20 => ["vim", 1, 1000] }.freeze

  def find(processes, uid: 1000, **named)
    Pitchfork::Cow::Master.new(table: Table.new(processes), uid: uid).find(**named)
  end

  def test_the_only_one_of_this_user
    assert_equal 10, find(ONE.merge(30 => [MASTER, 1, 1001]))
    assert_message("no pitchfork is running as this user; root sees those of others") { find(ONE, uid: 1001) }
  end

  def test_root_sees_all
    assert_equal 10, find(ONE, uid: 0)
    several = ONE.merge(30 => [MASTER, 1, 1001])
    assert_message("several servers are running (10 in /srv/10, 30): give the pid of one") { find(several, uid: 0) }
    assert_message("no pitchfork is running") { find({ 1 => ["init", 0, 0] }, uid: 0) }
  end

  # With rackup the boot mold is a fork of the master, and has its title until it has its own.
  def test_a_fork_of_a_master_is_none
    assert_equal 10, find(ONE.merge(12 => [MASTER, 10, 1000]))
  end

  def test_several
    several = ONE.merge(40 => [MASTER, 1, 1000])
    assert_message("several servers are running (10 in /srv/10, 40 in /srv/40): give the pid of one") { find(several) }
  end

  def test_a_pid
    assert_equal 40, find(ONE.merge(40 => [MASTER, 1, 1000]), pid: 40)
    assert_message("there is no process 99 (running: 10 in /srv/10)") { find(ONE, pid: 99) }
    assert_message("process 11 is pitchfork mold (gen:0); its master is 10") { find(ONE, pid: 11) }
    assert_message('process 20 is no pitchfork master, but "vim" (running: 10 in /srv/10)') { find(ONE, pid: 20) }
    assert_message("process 1 is no pitchfork master, but \"init\"") { find({ 1 => ["init", 0, 0] }, pid: 1) }
  end

  def test_a_master_that_has_ended_and_is_not_reaped
    ended = "process 40 has ended, and waits for its parent to notice"
    assert_message("#{ended} (running: 10 in /srv/10)") { find(ONE.merge(40 => ["", 1, 1000]), pid: 40) }
    assert_message(ended) { find({ 40 => ["", 1, 1000] }, pid: 40) }
  end

  def test_a_pid_file
    assert_equal 10, find(ONE, pid_file: write("server.pid", "10\n"))
    assert_message("there is no process 99 (running: 10 in /srv/10)") { find(ONE, pid_file: write("stale.pid", "99\n")) }
    path = write("other.pid", "nginx")
    assert_message("#{path}: expected a pid, got \"nginx\"") { find(ONE, pid_file: path) }
    assert_message("none.pid: No such file or directory; it is the file that the setting `pid` names") { find(ONE, pid_file: "none.pid") }
  end
end
