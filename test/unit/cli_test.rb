# frozen_string_literal: true

require "support/unit_helper"

# Runs the command itself, with a server that only says what it was given.
class CLITest < UnitTest
  SERVER = <<~'RUBY'
    module Pitchfork
      module Lifecycle
        def self.start(release, _deployment) = report(:start, release.configuration)
        def self.boot(configuration, _inheritance) = report(:boot, configuration)

        def self.report(role, configuration)
          places = configuration.listeners.map { |spec| spec.address.to_s }.join(",")
          puts "#{role} #{places} workers=#{configuration.worker_processes} env=#{configuration.environment}/#{ENV["RACK_ENV"]}"
          puts "ruby debug=#{$DEBUG} verbose=#{$VERBOSE} first=#{$LOAD_PATH.first(2).join(",")}"
          puts "app #{configuration.rackup} #{configuration.requires} #{configuration.eval_code} #{configuration.argv}"
          puts "loaded #{$LOADED_FEATURES.grep(/rack\b|\.so\z.*pitchfork/).size}"
          fail Pitchfork::BindError, "cannot listen on 1.2.3.4:80: no" if configuration.environment == "unbound"
          fail Pitchfork::BootFailure, "app.rb: no" if configuration.environment == "unbooted"
          42
        end
      end
    end
  RUBY

  def setup
    write("lib/pitchfork.rb", SERVER)
  end

  def test_start
    write("config.ru", "raise 'the master does not load the application'\n")
    out, error, status = pitchfork("-p", "0", "-l", "/a.sock")

    assert_equal(["", 42], [error, status])
    assert_equal(<<~TEXT, out.gsub(/first=.*$/, "first="))
      start /a.sock,0.0.0.0:0 workers=1 env=development/development
      ruby debug=false verbose=true first=
      app #{@directory}/config.ru [] [] ["-p", "0", "-l", "/a.sock"]
      loaded 0
    TEXT
  end

  def test_boot_parses_the_same_command_line
    write("config.ru", "#\\ -p 3000\n")
    write("config/pitchfork.rb", "worker_processes 3\n")
    argv = ["-E", "production", "-I", "x:y", "-r", "no/such/library", "-e", "raise", "config.ru"]
    started, booted = [{}, { "PITCHFORK_BOOT" => "7,0,1,2" }].map { |env| pitchfork(*argv, env: env) }

    assert_equal(["", 42, "", 42], [*started.last(2), *booted.last(2)])
    assert_match(/\Aboot 0\.0\.0\.0:3000 workers=3 env=production\/production$/, booted.first)
    assert_includes(booted.first, "first=#{@directory}/x,#{@directory}/y")
    assert_includes(booted.first, %(app #{@directory}/config.ru ["no/such/library"] ["raise"]))
    assert_equal(started.first.delete_prefix("start"), booted.first.delete_prefix("boot"))
  end

  def test_rack_env
    write("config.ru")
    write("config/pitchfork.rb", "worker_processes(ENV['RACK_ENV'].length)\n")
    envs = [[[], nil], [[], "test"], [["-E", "staging"], "test"]].map do |argv, value|
      pitchfork(*argv, env: { "RACK_ENV" => value }).first[/workers.*/]
    end

    assert_equal(["workers=11 env=development/development", "workers=4 env=test/test",
                  "workers=7 env=staging/staging"], envs)
  end

  def test_debug_and_include_hold_in_the_configuration_file
    write("config.ru")
    write("x/settings_for_all.rb", "FOUR = 4\n")
    write("other.rb", "require 'settings_for_all'\nworker_processes FOUR if $DEBUG\n")

    assert_match(/workers=4 /, pitchfork("-d", "-I", "x", "-c", "other.rb").first)
  end

  def test_help_and_version_need_nothing
    File.write("lib/pitchfork.rb", "raise 'loaded'\n")
    help, error, status = pitchfork("--help")

    assert_equal(["", 0], [error, status])
    %w[-c -l -o -p -E -I -r -e -d -w -s -h -v].each { |option| assert_match(/^    #{option}, --\w/, help) }
    assert_match(/\AUsage: pitchfork \[options\] \[config.ru\]$/, help)
    assert_equal(["pitchfork #{version}\n", "", 0], pitchfork("-v"))
  end

  # Files are made before; the arguments, and what is said about them.
  BAD = {
    [] => "config.ru: no such file; name the application's .ru or .rb file",
    %w[gone.rb] => "gone.rb: no such file; name the application's .ru or .rb file",
    %w[app.txt] => "app.txt: expected the application's .ru or .rb file",
    %w[--wran] => "unknown option --wran; did you mean --warn? (pitchfork --help lists them)",
    %w[-p 99999] => '-p: 0.0.0.0:99999: expected a port from 0 to 65535, got "99999"',
    %w[-c gone.rb good.ru] => "gone.rb: no such file",
    %w[-c type.rb good.ru] => 'type.rb:2: worker_processes: expected an Integer from 1 to 1024, got "four"',
    %w[-c word.rb good.ru] => "word.rb:1: unknown setting worker_proceses; did you mean worker_processes?",
    %w[-c own.rb good.ru] => "own.rb:1: ArgumentError: no luck",
    %w[-c both.rb good.ru] => "both.rb:1: promotion :in_place contradicts refork_max_unavailable 0: promotion in " \
                              "place takes a worker out of rotation before it can be replaced; allow at least " \
                              "refork_max_unavailable 1, or use promotion :auto or :fork"
  }.freeze

  BAD.each do |argv, message|
    define_method("test_bad_#{argv.join(" ")}") do
      File.write("lib/pitchfork.rb", "raise 'loaded'\n")
      write("good.ru")
      write("type.rb", "\nworker_processes 'four'\n")
      write("word.rb", "worker_proceses 4\n")
      write("own.rb", "raise ArgumentError, 'no luck'\n")
      write("both.rb", "promotion :in_place\nrefork_max_unavailable 0\n")

      assert_equal(["", "pitchfork: #{message}\n", 1], pitchfork(*argv))
    end
  end

  def test_failures_of_the_server_are_one_line_and_no_backtrace
    write("config.ru")

    assert_equal(["pitchfork: cannot listen on 1.2.3.4:80: no\n", 1], pitchfork("-E", "unbound").last(2))
    assert_equal(["pitchfork: app.rb: no\n", 1], pitchfork("-E", "unbooted").last(2))
  end

  def test_exit_in_the_configuration_file
    write("config.ru")
    write("config/pitchfork.rb", "exit 7\n")

    assert_equal(["", "", 7], pitchfork)
  end

  private

  def pitchfork(*argv, **options)
    ruby("#{ROOT}/exe/pitchfork", *argv, **options)
  end

  def version
    require "pitchfork/version"
    Pitchfork::VERSION
  end
end
