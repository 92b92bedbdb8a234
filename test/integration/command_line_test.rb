# frozen_string_literal: true

require "support/integration_helper"

# The command as it is typed, up to the app that it serves.
class CommandLineTest < IntegrationTest
  ROOT = ServerProcess::ROOT
  # Answers with what the code in the query gives.
  SHOW = "run ->(env) { [200, { 'content-type' => 'text/plain' }, [eval(Rack::Utils.unescape(env['QUERY_STRING'])).inspect]] }\n"

  # @param arguments [Array<String>] of the command
  # @return [ServerProcess] not started
  def command(*arguments, **options)
    server(command: [RbConfig.ruby, "-I#{ROOT}/lib", "#{ROOT}/exe/pitchfork", *arguments], **options)
  end

  # @return [Array] what the app says of each expression
  def shown(server, *code)
    code.map { |text| server.get("/?#{URI.encode_www_form_component(text)}").body }
  end

  # @return [String] what a command that has to fail at once has said
  def complaint(*arguments)
    failed = command(*arguments).spawn
    assert_equal 1, failed.wait.exitstatus
    assert_equal 1, failed.log.lines.size, failed.log
    failed.log
  end

  def test_the_environment
    write("config.ru", SHOW)
    { %w[-E staging] => '"staging"', [] => '"development"' }.each do |arguments, expected|
      assert_equal [expected], shown(command("-l", "127.0.0.1:0", *arguments).start, "ENV['RACK_ENV']")
    end
    assert_equal ['"test"'], shown(command("-l", "127.0.0.1:0", env: { "RACK_ENV" => "test" }).start, "ENV['RACK_ENV']")
  end

  def test_options_for_ruby
    write("config.ru", SHOW)
    write("parts/one/first.rb", "FIRST = 1")
    write("parts/two/second.rb", "SECOND = FIRST + 1")
    write("parts/last/first.rb", "FIRST = 100")
    server = command("-l", "127.0.0.1:0", "-I", "parts/one:parts/two", "-I", "parts/last", "-r", "first", "-r", "second",
                     "-e", "THIRD = SECOND + 1", "-e", "FOURTH = [THIRD + 1, __FILE__, __LINE__]").start
    assert_equal ["[1, 2, 3]", '[4, "-e", 2]', "false"], shown(server, "[FIRST, SECOND, THIRD]", "FOURTH", "$VERBOSE || $DEBUG")
  end

  def test_warnings_and_debugging
    write("config.ru", SHOW)
    assert_equal ["[true, false]"], shown(command("-w", "-l", "127.0.0.1:0").start, "[$VERBOSE, $DEBUG]")
    debugging = command("-d", "-l", "127.0.0.1:0").start
    assert_equal ["true"], shown(debugging, "$DEBUG")
    assert_equal 0, debugging.stop.exitstatus
  end

  def test_options_in_the_app
    write("app.ru", "#\\ -E inside -o 127.0.0.1 -p 0 -s anything\n#{SHOW}")
    assert_equal ['"inside"'], shown(command("app.ru").start, "ENV['RACK_ENV']")
    outside = command("-E", "outside", "-l", "127.0.0.1:0", "app.ru").start
    assert_equal ['"outside"'], shown(outside, "ENV['RACK_ENV']")
    assert_equal 1, outside.log.scan("listening on").size
    write("wrong.ru", "#\\ --nonsense\n#{SHOW}")
    assert_equal "pitchfork: wrong.ru:1: unknown option --nonsense (pitchfork --help lists them)\n", complaint("wrong.ru")
  end

  def test_what_follows_the_code
    write("config.ru", "# frozen_string_literal: true\n#{SHOW}__END__\nthis ) is { no Ruby\n")
    assert_equal ["6"], shown(command("-l", "127.0.0.1:0").start, "2 * 3")
    write("frozen.ru", "# frozen_string_literal: true\nLITERAL = ''\nPLACE = [__FILE__, __LINE__]\n#{SHOW}")
    assert_equal ["true", '["frozen.ru", 3]'],
                 shown(command("-l", "127.0.0.1:0", "frozen.ru").start, "LITERAL.frozen?",
                       "PLACE.then { |file, line| [File.basename(file), line] }")
  end

  def test_letters_in_the_app
    write("config.ru", "CITY = 'K\u00f6ln'\n#{SHOW}")
    server = command("-l", "127.0.0.1:0", env: { "LANG" => "C", "LC_ALL" => "C" }).start
    assert_equal ["[#{"K\u00f6ln".length}, \"UTF-8\"]"], shown(server, "[CITY.length, CITY.encoding.to_s]")
  end

  def test_an_app_in_ruby
    write("lib/small_app.rb", "class SmallApp; def self.call(_) = [200, {}, ['small']]; end")
    write("other_app.rb", "OtherApp = ->(_) { [200, {}, ['other']] }")
    assert_equal "small", command("-l", "127.0.0.1:0", "-I", "lib", "small_app.rb").start.get.body
    assert_equal "other", command("-l", "127.0.0.1:0", "other_app.rb").start.get.body
  end

  def test_the_configuration_file
    write("config.ru", SHOW)
    write("config/pitchfork.rb", "listen '127.0.0.1:0'\nworker_processes 2\nafter_worker_fork { |_, worker| $number = worker.nr }\n")
    default = command.start
    assert_equal 2, default.titles.grep(/worker/).size
    assert_includes %w[0 1], shown(default, "$number").first
    write("other.rb", "listen '127.0.0.1:0'\nworker_processes 3\n")
    assert_equal 3, command("-c", "other.rb").start.titles.grep(/worker/).size
  end

  def test_what_is_wrong
    write("config.ru", SHOW)
    assert_match(/unknown option --prot; did you mean --port\?/, complaint("--prot", "80"))
    assert_match(/option -p needs a value/, complaint("-p"))
    assert_match(/-p: .*expected a port from 0 to 65535, got "http"/, complaint("-p", "http"))
    assert_match(/-l: .*expected a port/, complaint("-l", "127.0.0.1:99999"))
    assert_match(/unexpected argument two\.ru; the application is config\.ru/, complaint("config.ru", "two.ru"))
    assert_match(/none\.ru: no such file/, complaint("none.ru"))
    assert_match(/none\.rb: no such file/, complaint("-c", "none.rb"))
    assert_match(/app\.py: expected the application's \.ru or \.rb file/, complaint("app.py"))
  end

  # File, line, and what was expected.
  def test_what_is_wrong_in_the_configuration
    write("config.ru", SHOW)
    {
      "worker_process 2" => /unknown setting worker_process; did you mean worker_processes\?/,
      "worker_processes 'two'" => /worker_processes: expected .*, got "two"/,
      "worker_processes -1" => /worker_processes: expected .*, got -1/,
      "listen 'localhost'" => /listen: localhost: the port is missing/,
      "listen 8080, backlog: 'x'" => /listen: backlog: expected .*, got "x"/,
      "listen 8080, backlogg: 1" => /listen: unknown option backlogg; did you mean backlog\?/,
      "timeout nil" => /timeout: expected .*, got nil/,
      "refork_after [5, :later]" => /refork_after: expected .*, got .*later/,
      "after_worker_fork 5" => /after_worker_fork: expected .*, got 5/,
      "raise 'mine'" => /RuntimeError: mine/
    }.each do |line, expected|
      write("wrong.rb", "# first line\n#{line}\n")
      said = complaint("-c", "wrong.rb")
      assert_match(/\Apitchfork: wrong\.rb:2: /, said, line)
      assert_match(expected, said, line)
    end
  end

  def test_help_and_version
    help = command("--help").spawn
    assert_equal 0, help.wait.exitstatus
    assert_match(/\AUsage: pitchfork \[options\] \[config\.ru\]$/, help.log)
    version = command("-v", "-p", "80").spawn
    assert_equal 0, version.wait.exitstatus
    assert_match(/\Apitchfork \d+\.\d+\.\d+\n\z/, version.log)
  end
end
