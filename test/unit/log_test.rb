# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/log"

class LogTest < UnitTest
  # A logger of the user's that can't write.
  class Broken
    def initialize(error)
      @error = error
    end

    %i[debug info warn error fatal].each { |level| define_method(level) { |_| raise @error } }
  end

  def said
    before = $stderr
    $stderr = StringIO.new
    yield
    $stderr.string
  ensure
    $stderr = before
  end

  def test_lines_go_to_the_logger
    out = StringIO.new
    log = Pitchfork::Log.new(Logger.new(out, formatter: ->(level, _, _, text) { "#{level} #{text}\n" }))

    assert_empty(said { %i[debug info warn error fatal].each { |level| log.public_send(level, "as #{level}") } })
    assert_equal("DEBUG as debug\nINFO as info\nWARN as warn\nERROR as error\nFATAL as fatal\n", out.string)
  end

  def test_a_line_that_the_logger_can_not_take_is_on_standard_error
    log = Pitchfork::Log.new(Broken.new(Errno::ENOSPC.new("app.log")))

    assert_equal("the logger failed: No space left on device - app.log (Errno::ENOSPC). WARN worker=1 died\n",
                 said { log.warn("worker=1 died") })
    assert_empty(said { log.debug("hardly worth it") }, "which may not have been wanted")
  end

  def test_a_logger_s_own_mistakes_are_no_end
    [NoMethodError, NotImplementedError, SecurityError].each do |error|
      assert_match(/the logger failed: .*INFO ready/, said { Pitchfork::Log.new(Broken.new(error.new("oh"))).info("ready") })
    end
  end

  def test_what_is_meant_to_end_the_process_does
    assert_raises(SystemExit) { Pitchfork::Log.new(Broken.new(SystemExit.new)).info("ready") }
  end

  def test_nobody_is_left_to_tell
    before = $stderr
    File.open("/dev/full", "w") do |full|
      full.sync = true
      $stderr = full
      Pitchfork::Log.new(Broken.new(Errno::ENOSPC.new)).error("lost")
    end
    IO.pipe do |reader, writer|
      [reader, writer].each(&:close)
      $stderr = writer
      Pitchfork::Log.new(Broken.new(Errno::ENOSPC.new)).error("lost")
    end
    pass
  ensure
    $stderr = before
  end
end
