# frozen_string_literal: true

require "support/hot_restart_case"

# What Ruby takes only when it starts, on its way from the configuration to the boot mold and to the workers, and no further.
class BootSettingsTest < HotRestartCase
  # Evaluates the code that a request brings, in the worker.
  INSPECT = <<~'RUBY'
    run ->(env) { [200, {}, [eval(env["HTTP_X_CODE"]).inspect]] }
  RUBY

  # As long as no more is allocated between two collections. Ruby begins with 16 MiB, and goes no further than 32.
  MALLOC_LIMIT = "GC.stat(:malloc_increase_bytes_limit)"
  SUBPROCESS = "IO.popen('env', &:readlines).map(&:chomp).grep(/PITCHFORK|LD_PRELOAD|RUBY_GC|MALLOC|YJIT|RUBYOPT/).sort"

  def ask(server, code)
    eval(server.get("/", "X-Code" => code).body)
  end

  def environ(pid)
    File.read("/proc/#{pid}/environ").split("\0").to_h { |line| line.split("=", 2) }
  end

  def need_yjit
    skip "this Ruby was built without YJIT" unless defined?(RubyVM::YJIT)
  end

  def jemalloc
    Dir.glob("/usr/lib/*-linux-*/libjemalloc.so.2").first || skip("jemalloc is not installed: bin/setup --test")
  end

  def test_variables_reach_the_boot_mold_and_its_workers_only
    config = "gc malloc_limit: 64_000_000, malloc_limit_max: 65_000_000\nmalloc_arena_max 2\n" \
             "File.open('seen', 'a') { |file| file.puts(ENV.keys.grep(/RUBY_GC|MALLOC/).inspect) }"
    server = start(app: INSPECT, config: config)
    given = environ(server.process("pitchfork mold").pid)
    assert_equal %w[64000000 65000000 2], given.values_at("RUBY_GC_MALLOC_LIMIT", "RUBY_GC_MALLOC_LIMIT_MAX", "MALLOC_ARENA_MAX")
    assert_equal 64_000_000, ask(server, MALLOC_LIMIT)
    refute environ(server.pid).keys.grep(/RUBY_GC/).any?
    assert_equal %w[[] []], File.readlines(path("seen"), chomp: true), "in the configuration file, in the master and in the boot mold"
    assert_equal [], ask(server, "ENV.keys.grep(/RUBY_GC|MALLOC|PITCHFORK/)")
    assert_equal [], ask(server, SUBPROCESS)
    added = "RUBY_GC_MALLOC_LIMIT=64000000 RUBY_GC_MALLOC_LIMIT_MAX=65000000 MALLOC_ARENA_MAX=2"
    assert_match(/INFO.* the boot mold starts with #{added}$/, server.log)
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_equal 64_000_000, ask(server, MALLOC_LIMIT)
    assert_clean_stop server
  end

  def test_the_users_own_win_and_stay
    server = start(app: INSPECT, config: "gc malloc_limit: 1_000_000\nmalloc_arena_max 2", env: { "MALLOC_ARENA_MAX" => "3" })
    assert_equal %w[MALLOC_ARENA_MAX=3], ask(server, SUBPROCESS)
    assert_match(/INFO.* set by the user, and left as it is: MALLOC_ARENA_MAX \(malloc_arena_max\)$/, server.log)
    assert_equal "1000000", environ(server.process("pitchfork mold").pid)["RUBY_GC_MALLOC_LIMIT"]
  end

  def test_jemalloc
    library = File.realpath(jemalloc)
    server = start(app: INSPECT, config: "allocator :jemalloc")
    assert ask(server, "File.read('/proc/self/maps').include?(#{library.dump})")
    refute_includes File.read("/proc/#{server.pid}/maps"), library
    assert_equal [], ask(server, SUBPROCESS)
    refute_match(/WARN/, server.log)
    assert_clean_stop server
  end

  # As a stand-in for libfaketime or an agent: any library that the loader finds.
  def test_a_preload_of_the_users_keeps_the_allocator_out
    server = start(app: INSPECT, config: "allocator :jemalloc\nmalloc_arena_max 2",
                   env: { "LD_PRELOAD" => "libm.so.6", "GLIBC_TUNABLES" => "glibc.malloc.arena_max=3" })
    assert_match(/WARN.* allocator :jemalloc has no effect: LD_PRELOAD=libm\.so\.6 .*; add libjemalloc\.so\.2 to it/, server.log)
    assert_match(/ left as it is: GLIBC_TUNABLES \(malloc_arena_max\), LD_PRELOAD \(allocator\)$/, server.log)
    assert_equal ["LD_PRELOAD=libm.so.6", "GLIBC_TUNABLES=glibc.malloc.arena_max=3"].sort,
                 ask(server, "IO.popen('env', &:readlines).map(&:chomp).grep(/LD_PRELOAD|MALLOC_ARENA|TUNABLES/).sort")
    refute_match(/jemalloc/, File.read("/proc/#{server.process("pitchfork worker[0]").pid}/maps"))
    assert_clean_stop server
  end

  def test_an_allocator_that_is_not_there_is_a_mistake
    server = server(app: INSPECT, config: "allocator '/no/such/library.so'").spawn
    assert_equal 1, server.wait.exitstatus
    assert_equal "pitchfork: allocator: /no/such/library.so: no such file\n", server.log
  end

  def test_flags_of_the_compiler
    need_yjit
    server = start(app: INSPECT, config: "yjit call_threshold: 3")
    assert ask(server, "RubyVM::YJIT.enabled?")
    assert_equal [], ask(server, SUBPROCESS)
    assert_match(/ the boot mold starts with --yjit --yjit-call-threshold=3$/, server.log)
  end

  def test_the_app_has_switched_on_what_was_not_wanted
    need_yjit
    skip "RubyVM::YJIT.enable is of Ruby 3.3" unless RubyVM::YJIT.respond_to?(:enable)
    server = start(app: "RubyVM::YJIT.enable\n#{INSPECT}", config: "yjit false")
    assert_match(/WARN.* yjit false: YJIT was switched on before, or by the app while it was loaded/, server.log)
  end

  def test_a_hot_restart_brings_new_settings
    server = start(app: INSPECT, config: "gc malloc_limit: 64_000_000, malloc_limit_max: 64_000_000")
    assert_equal 64_000_000, ask(server, MALLOC_LIMIT)
    deploy(config: "gc malloc_limit: 96_000_000, malloc_limit_max: 96_000_000")
    hot_restart(server)
    assert_equal 96_000_000, ask(server, MALLOC_LIMIT)
    deploy(config: "allocator '/no/such/library.so'")
    server.signal(:HUP)
    server.wait_for(%r{hot restart refused: allocator: /no/such/library.so: no such file})
    assert_equal 96_000_000, ask(server, MALLOC_LIMIT)
    assert_clean_stop server
  end

  # Its app is an object, and Ruby was started by somebody else.
  def test_rackup_warns_and_serves
    write("config.ru", WHO)
    write("config/pitchfork.rb", "allocator '/no/such/library.so'\ngc growth_factor: 1.1\nyjit true\nyjit_until_promotion :first_worker\n")
    command = %w[-S rackup -s pitchfork -o 127.0.0.1 -p 0 -E production]
    server = server(command: [RbConfig.ruby, "-I#{ServerProcess::ROOT}/lib", *command]).start
    assert_equal "0", server.get.body.split.last
    assert_match(/WARN.* allocator, gc, yjit: without effect, for the app is only an object .* `bundle exec pitchfork`$/, server.log)
    assert_clean_stop server
  end
end
