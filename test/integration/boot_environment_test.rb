# frozen_string_literal: true

require "support/life"

# The boot mold is another Ruby than the one that the user has started: it must see the same flags, directory and
# environment.
class BootEnvironmentTest < LifeTest
  # Evaluates the code that a request brings, in the worker.
  INSPECT = <<~'RUBY'
    run ->(env) { [200, {}, [eval(env["HTTP_X_CODE"]).inspect]] }
  RUBY

  def ask(server, code)
    server.get("/", "X-Code" => code).body
  end

  def test_flags_of_ruby_reach_the_workers
    write("lib/preloaded.rb", "PRELOADED = __FILE__\n")
    server = start(app: INSPECT, ruby: ["-Ilib", "-r", "preloaded", "-W0"])
    assert_equal path("lib/preloaded.rb").inspect, ask(server, "PRELOADED")
    assert_equal "nil", ask(server, "$VERBOSE"), "the last -W wins"
  end

  def test_flags_of_ruby_whose_value_is_a_word_of_its_own
    write("lib/preloaded.rb", "PRELOADED = 1\n")
    flags = ["-I", "lib", "-r", "preloaded", "--enable", "frozen-string-literal", "--external-encoding", "ISO-8859-1"]
    server = start(app: INSPECT, ruby: flags)
    assert_equal "1", ask(server, "PRELOADED")
    assert_equal "true", ask(server, "''.frozen?")
    assert_equal "#<Encoding:ISO-8859-1>", ask(server, "Encoding.default_external")
  end

  def test_a_directory_of_ruby_s_own
    write("deep/config.ru", INSPECT)
    server = server(ruby: ["-C", "deep"], arguments: ["-l", "127.0.0.1:0"])
    FileUtils.mv(path("pitchfork.rb"), path("deep/pitchfork.rb"))
    server.start
    assert_equal path("deep").inspect, ask(server, "Dir.pwd")
  end

  def test_yjit_reaches_the_workers
    skip "this Ruby was built without YJIT" unless system(RbConfig.ruby, "--yjit", "-e", "", err: File::NULL)
    server = start(app: INSPECT, ruby: ["--yjit"])
    assert_equal "true", ask(server, "RubyVM::YJIT.enabled?")
  end

  def test_options_of_the_command
    write("lib/one.rb", "ONE = 1\n")
    server = start(app: INSPECT, arguments: ["-I", "lib", "-r", "one", "-e", "TWO = 2", "-E", "production"])
    assert_equal "[1, 2]", ask(server, "[ONE, TWO]")
    assert_equal "production".inspect, ask(server, "ENV.fetch('RACK_ENV')")
  end

  def test_the_environment_is_the_users
    server = start(app: INSPECT, env: { "GREETING" => "hello" })
    assert_equal "hello".inspect, ask(server, "ENV['GREETING']")
    assert_equal "[]", ask(server, "ENV.keys.grep(/PITCHFORK/)")
    assert_equal "[]", ask(server, "IO.popen('env', &:readlines).grep(/PITCHFORK/)")
  end

  def test_a_configuration_file_sees_no_internal_variable
    config = "File.open('seen', 'a') { |file| file.puts(ENV.keys.grep(/PITCHFORK/).inspect) }"
    start(app: INSPECT, config: config)
    assert_equal %w[[] []], File.readlines(path("seen"), chomp: true), "once in the master, once in the mold"
  end

  def test_a_program_that_the_configuration_file_starts_inherits_no_descriptor
    config = "File.open('seen', 'a') { |file| file.puts(`ls /proc/self/fd | wc -l`) }"
    start(app: INSPECT, config: config)
    assert_equal 1, File.readlines(path("seen")).uniq.size, "descriptors in the master and in the boot mold"
  end

  def test_a_configuration_file_that_changes_the_directory
    Dir.mkdir(path("elsewhere"))
    server = start(app: INSPECT, config: "Dir.chdir('elsewhere')")
    assert_equal path("elsewhere").inspect, ask(server, "Dir.pwd")
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_equal path("elsewhere").inspect, ask(server, "Dir.pwd")
  end

  def test_descriptors_of_a_worker
    server = start(app: INSPECT)
    kinds = ask(server, "Dir.children('/proc/self/fd').filter_map { |n| File.readlink(\"/proc/self/fd/\#{n}\") rescue nil }")
    assert_equal 3, kinds.scan("socket:").size, "the listener, the channel to the master and this connection: #{kinds}"
  end
end
