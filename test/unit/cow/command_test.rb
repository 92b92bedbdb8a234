# frozen_string_literal: true

require "stringio"
require "support/unit_helper"
require "pitchfork"
require "pitchfork/cow/command"

class CowCommandTest < UnitTest
  # The last pid a kernel can have is 4,194,303.
  NOBODY = 4_194_304

  # It was there when it was looked for.
  class Gone < Pitchfork::Cow::Command
    private

    def master
      NOBODY
    end
  end

  def test_a_server_that_ends_while_it_is_read
    [[], ["--json"], ["--who"], ["--who", "0"], ["--chart", "x.svg"]].each do |arguments|
      out, err = Array.new(2) { StringIO.new }
      status = Gone.run([*arguments, NOBODY.to_s], out: out, err: err)
      assert_equal ["", "pitchfork cow: the server, or that worker, has just ended\n", 1], [out.string, err.string, status], arguments
    end
    assert_empty Dir.children(".")
  end
end
