# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/oom_score"

class OomScoreTest < UnitTest
  FILE = Pitchfork::OomScore::FILE

  def setup
    @log = StringIO.new
    @logger = Logger.new(@log)
  end

  def test_relative_to_the_value_of_the_master
    { "0" => [100, 200], "-500" => [-400, -300], "850" => [950, 1000], "1000" => [1000, 1000] }.each do |base, values|
      file = write("score", "#{base}\n")
      score = Pitchfork::OomScore.new(true, @logger, file)
      found = %i[mold worker].map do |role|
        score.become(role)
        Integer(File.read(file))
      end

      assert_equal(values, found, base)
    end
    assert_empty(@log.string)
  end

  # For real: what a worker that is promoted does.
  def test_there_and_back
    base = Integer(File.read(FILE))
    score = Pitchfork::OomScore.new(true, @logger)
    seen = in_a_child do
      %i[mold worker mold].map do |role|
        score.become(role)
        Integer(File.read(FILE)) - base
      end
    end

    assert_equal("[100, 200, 100]", seen)
  end

  def test_switched_off
    file = write("score", "7")
    Pitchfork::OomScore.new(false, @logger, file).become(:worker)

    assert_equal("7", File.read(file))
  end

  def test_a_failure_is_a_line_at_debug_level
    Pitchfork::OomScore.new(true, @logger, "none").become(:worker)
    file = write("score", "7")
    score = Pitchfork::OomScore.new(true, @logger, file)
    File.unlink(file)
    Dir.mkdir(file)
    score.become(:worker)

    assert_match(/DEBUG -- : oom_score_adj could not be read: No such file.*DEBUG -- : oom_score_adj could not be set to 207: Is a dir/m,
                 @log.string)
  end

  private

  def in_a_child
    reader, writer = IO.pipe
    child = fork do
      writer.write(yield.inspect)
      exit!(0)
    end
    writer.close
    reader.read
  ensure
    Process.wait(child)
  end
end
