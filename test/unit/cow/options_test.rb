# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/cow/options"

class CowOptionsTest < UnitTest
  def parse(*argv)
    Pitchfork::Cow::Options.parse(argv)
  end

  def test_values
    assert_equal({}, parse.to_h.compact)
    assert_equal({ pid: 12, json: true }, parse("--json", "12").to_h.compact)
    assert_equal({ pid_file: "a.pid" }, parse("--pid-file", "a.pid").to_h.compact)
    assert_equal({ pid: 12, chart: "x.svg", seconds: 1.5, every: 0.5 }, parse(*%w[12 --chart x.svg --for 1.5 --every .5]).to_h.compact)
    assert_equal({ who: true }, parse("--who").to_h.compact)
    assert_equal({ who: true, worker: 3, seconds: 20.0 }, parse("--who", "3", "--for", "20").to_h.compact)
    assert_equal({ help: true, every: 3.0 }, parse("--help", "--every", "3").to_h.compact, "help is given whatever else is wrong")
  end

  def test_mistakes
    {
      ["12", "13"] => "unexpected argument 13; the server is 12",
      ["worker"] => "worker is no pid; expected the master's, or --pid-file FILE",
      ["0"] => "0 is no pid; expected the master's, or --pid-file FILE",
      ["12", "--pid-file", "x"] => "the pid 12 and --pid-file both name a server; give one of them",
      ["--for", "3"] => "--for needs --chart FILE or --who",
      ["--every", "3"] => "--every needs --chart FILE",
      ["--every", "0", "--chart", "x"] => "--every 0.0: expected seconds > 0",
      ["--chart", "x", "--for", "-1"] => "--for -1.0: expected seconds > 0",
      ["--who", "--json"] => "--who can't be combined with --chart and --json",
      ["--who", "-1"] => "unknown option -1 (pitchfork cow --help lists them)",
      ["--chart"] => "missing argument: --chart (pitchfork cow --help lists the options)",
      ["--for", "soon"] => "invalid argument: --for soon (pitchfork cow --help lists the options)",
      ["--jason"] => "unknown option --jason; did you mean --json? (pitchfork cow --help lists them)"
    }.each { |argv, message| assert_message(message) { parse(*argv) } }
  end

  # Neither the help nor a mistake needs the extension, which may not be built.
  def test_without_the_extension
    out, error, status = cow("--help")
    assert_equal ["", 0], [error, status]
    Pitchfork::Cow::Options.members.grep(/json|chart|every|who/).each { |name| assert_includes out, "--#{name}" }
    assert_match(/0\.5 % of a processor/, out)
    assert_match(/--who costs the worker\s+0\.05 s of its processor time at most/, out)
    assert_equal ["", "pitchfork cow: --every needs --chart FILE\n", 1], cow("--every", "1")
    out, error, status = cow(Process.pid.to_s)
    assert_equal ["", "pitchfork cow: process #{Process.pid} is no pitchfork master", 1], [out, error[/\A[^,]*/], status]
  end

  def cow(*argv)
    write("lib/pitchfork/pitchfork.rb", "raise 'the extension is loaded'\n")
    ruby("#{ROOT}/exe/pitchfork", "cow", *argv)
  end
end
