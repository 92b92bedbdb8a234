# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/options"

class OptionsTest < UnitTest
  def test_nothing_given
    options = Pitchfork::Options.parse([])

    assert_equal([nil, nil, nil, false, false, [], [], [], [], "config.ru"],
                 [options.config_file, options.environment, options.request, options.debug?, options.warn?,
                  options.load_path, options.requires, options.eval_code, options.listeners, options.rackup])
  end

  SHORT = %w[-c conf.rb -E production -d -w -I a:b -I /c -r json -r set -e 1 -e 2 -s puma app.ru].freeze
  LONG = %w[--config-file conf.rb --env=production --debug --warn --include a:b --include=/c --require json
            --require set --eval 1 --eval=2 --server puma app.ru].freeze

  { "short" => SHORT, "long" => LONG }.each do |name, argv|
    define_method("test_#{name}") do
      before = argv.dup
      options = Pitchfork::Options.parse(argv)

      assert_equal(["conf.rb", "production", true, true, ["#{@directory}/a", "#{@directory}/b", "/c"],
                    %w[json set], %w[1 2], "app.ru"],
                   [options.config_file, options.environment, options.debug?, options.warn?, options.load_path,
                    options.requires, options.eval_code, options.rackup])
      assert_equal(before, argv)
    end
  end

  LISTENERS = {
    %w[-l 80] => ["0.0.0.0:80"],
    %w[-l /a.sock --listen localhost:1] => ["/a.sock", "localhost:1"],
    %w[-p 80] => ["0.0.0.0:80"],
    %w[-p 0] => ["0.0.0.0:0"],
    %w[-o localhost] => ["localhost:8080"],
    %w[-o ::1 -p 80] => ["[::1]:80"],
    %w[--host [::1] --port 80] => ["[::1]:80"],
    %w[-l 1 -o localhost -p 2] => ["0.0.0.0:1", "localhost:2"]
  }.freeze

  LISTENERS.each do |argv, places|
    define_method("test_listeners_#{argv.join(" ")}") { assert_equal(places, places(Pitchfork::Options.parse(argv))) }
  end

  def test_help_and_version
    assert_equal(%i[help help version version],
                 %w[-h --help -v --version].map { |option| Pitchfork::Options.parse([option]).request })
    assert_equal(:help, Pitchfork::Options.parse(%w[-v --help missing.ru]).request)
  end

  BAD = {
    %w[--lisen 80] => "unknown option --lisen; did you mean --listen? (pitchfork --help lists them)",
    %w[--prot=80] => "unknown option --prot=80; did you mean --port? (pitchfork --help lists them)",
    %w[--e] => "ambiguous option: --e",
    %w[--warn=yes] => "needless argument: --warn=yes",
    %w[-D] => "unknown option -D (pitchfork --help lists them)",
    %w[--daemonize] => "unknown option --daemonize (pitchfork --help lists them)",
    %w[-l] => "option -l needs a value",
    %w[--env] => "option --env needs a value",
    %w[-p http] => '-p: 0.0.0.0:http: expected a port from 0 to 65535, got "http"',
    %w[-p 70000 -o localhost] => '-p: localhost:70000: expected a port from 0 to 65535, got "70000"',
    %w[-l nowhere] => '-l: nowhere: the port is missing, as in "nowhere:8080"',
    %w[a.ru b.ru] => "unexpected argument b.ru; the application is a.ru"
  }.freeze

  BAD.each do |argv, message|
    define_method("test_bad_#{argv.join(" ")}") { assert_message(message) { Pitchfork::Options.parse(argv) } }
  end

  def test_options_in_the_first_line
    options = parse_with("#\\ -p 3000 -E production -w -I lib -r json -s thin\n")

    assert_equal([["0.0.0.0:3000"], "production", true, ["#{@directory}/lib"], ["json"], "config.ru"],
                 [places(options), options.environment, options.warn?, options.load_path, options.requires,
                  options.rackup])
  end

  def test_the_command_line_wins
    options = parse_with("#\\ -p 3000 -l 4000 -E production -c a.rb -I a -e 1\n",
                         *%w[-l 80 -E test -I b -e 2])

    assert_equal([["0.0.0.0:80"], "test", "a.rb", ["#{@directory}/b", "#{@directory}/a"], %w[2 1]],
                 [places(options), options.environment, options.config_file, options.load_path, options.eval_code])
  end

  def test_what_is_not_a_line_of_options
    ["# -p 3000\n", "run 1\n#\\ -p 3000\n", "", "\xFF\n"].each do |text|
      assert_empty(parse_with(text).listeners, text)
    end
    write("app.rb", "#\\ -p 3000\n")

    assert_empty(Pitchfork::Options.parse(["app.rb"]).listeners)
  end

  def test_a_byte_order_mark_before_the_options
    assert_equal(["0.0.0.0:3000"], places(parse_with("\uFEFF#\\ -p 3000\r\nrun 1\r\n")))
  end

  def test_mistakes_in_the_first_line_name_the_file
    assert_message("config.ru:1: unknown option --prot; did you mean --port? (pitchfork --help lists them)") do
      parse_with("#\\ --prot 80\n")
    end
    assert_message('config.ru:1: -p: 0.0.0.0:x: expected a port from 0 to 65535, got "x"') { parse_with("#\\ -p x\n") }
    assert_message("config.ru:1: unexpected argument other.ru; expected options") { parse_with("#\\ other.ru\n") }
  end

  private

  def parse_with(text, *argv)
    write("config.ru", text)
    Pitchfork::Options.parse(argv)
  end

  def places(options)
    options.listeners.map { |spec| spec.address.to_s }
  end
end
