# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/tune/options"

class TuneCommandTest < UnitTest
  Options = Pitchfork::Tune::Options

  def test_help_needs_nothing
    write("lib/pitchfork.rb", "raise 'loaded'\n")
    help, error, status = ruby("#{ROOT}/exe/pitchfork", "tune", "--help")

    assert_equal ["", 0], [error, status]
    assert_match(/\AUsage: pitchfork tune \[options\] --requests FILE \[config.ru\]$/, help)
    options = %w[--requests --record --workers --minutes --out --resume --for --only --config-file]
    options.each { |option| assert_includes help, " #{option}" }
    assert_operator help.lines.map(&:length).max, :<=, 120
    assert_includes help.tr("\n", " "), "The requests are really made, some hundreds of thousands of times in all: give the app a database"
  end

  def test_what_is_passed_on
    ENV.delete("RACK_ENV")
    options = Options.new(%w[--requests list -I lib -r x -l 127.0.0.1:0 -c my.rb app.ru])
    assert_equal %w[-E production -I lib -r x app.ru], options.argv
    assert_equal %w[-l 127.0.0.1:0 -E production -I lib -r x app.ru], options.serving_argv
    assert_equal ["my.rb", "list", 10.0, :balance], options.values.values_at(:config_file, :requests, :minutes, :goal)
    assert_equal %w[-E staging], Options.new(%w[--requests list -E staging]).argv
    ENV["RACK_ENV"] = "test"
    assert_empty Options.new(%w[--requests list]).argv
  end

  def test_goals
    %i[balance memory throughput].each { |goal| assert_equal goal, Options.new(["--requests", "list", "--for", goal.to_s])[:goal] }
  end

  {
    %w[] => "tune: name the requests by --requests FILE, or record them by --record FILE",
    %w[--requests a --record b] => "tune: name the requests by --requests FILE, or record them by --record FILE",
    %w[--requests a x.ru y.ru] => "tune: unexpected argument y.ru; the application is x.ru",
    %w[--requests a --minutes -1] => "tune: --minutes: expected a number > 0, got -1.0",
    %w[--requests a --workers 0] => "tune: --workers: expected an Integer from 1 to 1024, got 0",
    %w[--record a --record-body -1] => "tune: --record-body: expected an Integer >= 0, got -1",
    %w[--requests a --for speed] => "tune: invalid argument: --for speed (pitchfork tune --help lists the options)",
    %w[--requests] => "tune: missing argument: --requests (pitchfork tune --help lists the options)"
  }.each do |argv, message|
    define_method("test_bad_#{argv.join(" ")}") { assert_message(message) { Options.new(argv) } }
  end
end
