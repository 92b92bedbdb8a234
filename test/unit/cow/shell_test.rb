# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/cow/interruption"
require "pitchfork/cow/pace"
require "pitchfork/cow/whole_file"

# What surrounds the reading: rest, interruption, and the file at the end.
class CowShellTest < UnitTest
  def test_a_pace_rests_so_long_that_the_step_is_its_share
    slept = []
    time = 0.0
    pace = Pitchfork::Cow::Pace.new(->(seconds) { slept << seconds }, share: 0.005, clock: -> { time })
    assert_equal(:answer, pace.step { (time += 0.01) && :answer })
    pace.step { nil }
    assert_equal 1, slept.size
    assert_in_delta 0.005, 0.01 / (slept.sum + 0.01), 1e-9
  end

  def test_processor_time_is_what_counts
    slept = []
    Pitchfork::Cow::Pace.new(->(seconds) { slept << seconds }).step { sleep(0.2) }
    assert_operator slept.sum, :<, 20, "sleeping was taken for work"
  end

  def test_an_interruption_wakes_and_stays
    %i[INT TERM HUP].each do |signal|
      before = trap(signal, "DEFAULT")
      Pitchfork::Cow::Interruption.watch do |interruption|
        refute interruption.sleep(0)
        Process.kill(signal, Process.pid)
        assert interruption.sleep(SECONDS)
        assert_equal [true, true], [interruption.sleep(0), interruption.sleep(SECONDS)]
      end
      assert_equal "DEFAULT", trap(signal, before || "DEFAULT")
    end
  end

  def test_a_file_is_there_whole_or_not_at_all
    file = Pitchfork::Cow::WholeFile.new("x.svg")
    refute_path_exists "x.svg"
    file.write("<svg/>")
    file.close
    assert_equal [["x.svg"], "<svg/>"], [Dir.children("."), File.read("x.svg")]
  end

  def test_a_file_that_is_never_written
    write("x.svg", "old")
    Pitchfork::Cow::WholeFile.new("x.svg").close
    assert_equal [["x.svg"], "old"], [Dir.children("."), File.read("x.svg")]
  end

  def test_a_link_stays_one
    write("real.svg", "old")
    File.symlink("real.svg", "x.svg")
    Pitchfork::Cow::WholeFile.new("x.svg").write("new")
    assert File.symlink?("x.svg")
    assert_equal "new", File.read("real.svg")
  end

  def test_a_directory_that_goes_away
    file = Pitchfork::Cow::WholeFile.new(write("gone/x.svg"))
    FileUtils.rm_r("gone")
    assert_message("#{@directory}/gone/x.svg can't be written: No such file or directory; what it was to hold is lost") { file.write("x") }
    file.close
  end

  def test_where_nothing_can_be_written
    {
      "no/x.svg" => "no/x.svg can't be written: No such file or directory; choose another directory",
      "/dev/null" => "/dev/null is not a file that can be replaced; choose another name"
    }.each { |path, message| assert_message(message) { Pitchfork::Cow::WholeFile.new(path) } }
  end
end
