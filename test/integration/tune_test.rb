# frozen_string_literal: true

require "etc"
require "json"
require "support/integration_helper"

# `pitchfork tune` on a small app, with few candidates and little time.
class TuneTest < IntegrationTest
  ROOT = ServerProcess::ROOT
  APP = <<~'RUBY'
    Dir.mkdir("seen") unless Dir.exist?("seen")
    run(lambda do |env|
      raise "broken" if env["PATH_INFO"] == "/broken"
      ($kept ||= []) << ("x" * 1000)
      [200, { "content-type" => "text/plain" }, ["#{env["PATH_INFO"]} #{env["rack.input"]&.read}"]]
    end)
  RUBY
  CONFIG = <<~RUBY
    listen "127.0.0.1:1" # nobody may
    worker_processes 2
    pid "server.pid"
    after_mold_fork do |server, _mold|
      raise "not with two arenas" if File.exist?("one-arena-only") && server.configuration.malloc_arena_max
      File.write("seen/boot-\#{Process.pid}", [server.configuration.malloc_arena_max, ENV["RACK_ENV"]].join(","))
    end
  RUBY

  def command(*arguments, list: "GET /{n}\n", app: APP, env: {})
    write("requests.txt", list) unless list.nil?
    write("config.ru", app)
    write("config/pitchfork.rb", CONFIG)
    FileUtils.mkdir_p(File.join(@directory, "tmp"))
    server(env: { "TMPDIR" => File.join(@directory, "tmp"), **env },
           command: [RbConfig.ruby, "-w", "-I#{ROOT}/lib", "#{ROOT}/exe/pitchfork", "tune", *arguments])
  end

  def tune(*arguments, minutes: 0.25, only: "malloc_arena_max", **options)
    command("--requests", "requests.txt", "--minutes", minutes.to_s, "--only", only, *arguments, **options)
  end

  # Whatever runs in the test's directory, but for the command itself.
  def left_over(command)
    Dir.children("/proc").grep(/\A\d+\z/).reject { |pid| [command.pid, Process.pid].include?(pid.to_i) }.select do |pid|
      File.readlink("/proc/#{pid}/cwd").start_with?(@directory) && File.read("/proc/#{pid}/stat")[/\) (\w)/, 1] != "Z"
    rescue SystemCallError
      false
    end
  end

  # Runs until the candidate's line has been written, and is ended then.
  def tune_until(pattern, **options)
    tuning = tune(minutes: 2, env: { "MALLOC_ARENA_MAX" => nil }, **options).spawn
    tuning.wait_for(pattern)
    tuning.signal(:INT)
    assert_equal 130, tuning.wait.exitstatus, tuning.log
    tuning
  end

  def test_the_whole
    tuning = tune_until(/per worker.* malloc_arena_max 2$/)

    assert_match(/^# pitchfork tune: /, tuning.log)
    assert_match(/^\|\s+\d\*? \|.* as it is +\|$/, tuning.log)
    assert_match(/^\|\s+\d\*? \|.* malloc_arena_max 2(?: \(slower\))? +\|$/, tuning.log)
    assert_includes tuning.log, "written to pitchfork-tune: report.md, chart.svg, settings.rb"
    assert_includes tuning.log, File.binread(File.join(@directory, "pitchfork-tune/report.md"))
    assert_empty left_over(tuning)
    boots = Dir.glob(File.join(@directory, "seen/boot-*")).map { |path| File.read(path) }
    assert_equal ["", "2"], boots.map { |seen| seen.split(",", -1).first }.uniq.sort, "the candidate was in force"
    assert_equal ["production"], boots.map { |seen| seen.split(",", -1).last }.uniq
    refute_path_exists File.join(@directory, "server.pid")
    assert_empty Dir.children(File.join(@directory, "tmp"))
  end

  # Ctrl-C in the second trial: what is known is printed, nobody is left, and it can go on from there.
  def test_interrupted_and_resumed
    tuning = tune(minutes: 1).spawn
    tuning.wait_for(/^\d:\d\d\S+ +1 .*as it is$/)
    assert_equal 130, tuning.stop(:INT).exitstatus, tuning.log
    assert_match(/^\| +1\* \|.* as it is +\|$/, tuning.log)
    assert_empty left_over(tuning)

    again = tune.spawn
    assert_equal 1, again.wait.exitstatus
    assert_includes again.log, "holds an earlier tuning; go on with it by --resume"

    resumed = tune("--resume", minutes: 0.25).spawn
    assert_equal 0, resumed.wait.exitstatus, resumed.log
    refute_includes resumed.log, "finding out how long"
    runs = JSON.parse(File.read(File.join(@directory, "pitchfork-tune/state.json")))["runs"]
    assert_operator runs.size, :>, 1
    assert_equal({}, runs.first["settings"])

    other = tune("--resume", list: "GET /other\n").spawn
    assert_equal 1, other.wait.exitstatus
    assert_includes other.log, "measured with another request list"
  end

  def test_ended_while_the_app_boots
    tuning = tune(app: "File.write('seen', ''); sleep").spawn
    sleep(0.01) until File.exist?(File.join(@directory, "seen"))
    tuning.signal(:TERM)
    assert_equal 143, tuning.wait.exitstatus, tuning.log
    assert_includes tuning.log, "nothing was measured"
    assert_empty left_over(tuning)
  end

  def test_an_app_that_does_not_boot
    tuning = tune(app: "raise 'no luck'\n").spawn
    assert_equal 1, tuning.wait.exitstatus
    assert_match(/^pitchfork: the app does not serve its requests with the configuration as it is: the server has ended/, tuning.log)
    assert_match(/no luck/, tuning.log)
    assert_empty left_over(tuning)
  end

  def test_an_app_that_hangs_at_boot_takes_no_more_than_the_time_given
    started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    tuning = tune(minutes: 0.05, app: "sleep\n").spawn
    assert_equal 1, tuning.wait.exitstatus
    assert_includes tuning.log, "nothing was measured; give it more time"
    assert_operator Process.clock_gettime(Process::CLOCK_MONOTONIC) - started, :<, 3 + 20
    assert_empty left_over(tuning)
  end

  def test_requests_that_fail
    tuning = tune(list: "GET /\nGET /broken\n").spawn
    assert_equal 1, tuning.wait.exitstatus
    assert_match(/as it is: of \d+ requests \d+ failed: GET \/broken: status 500 \(\d+\)$/, tuning.log)
    assert_match(/broken \(RuntimeError\)/, File.read(File.join(@directory, "pitchfork-tune/failed.log")))
  end

  # A candidate is not the app: it fails, and the others go on.
  def test_a_candidate_that_fails
    write("one-arena-only", "")
    tuning = tune_until(/failed: the server has ended.* malloc_arena_max 2$/)
    assert_match(/^\* `malloc_arena_max 2`: the server has ended/, tuning.log)
    assert_match(/Nothing that was tried is better/, tuning.log)
  end

  # Whose database was lost meanwhile, say: then no figure means anything any more, but those from before do.
  def test_a_baseline_that_fails_later
    tuning = tune(minutes: 2, app: "raise 'worn out' if Dir.glob('seen/boot-*').size > 2\n#{APP}", env: { "MALLOC_ARENA_MAX" => nil }).spawn
    assert_equal 1, tuning.wait.exitstatus, tuning.log
    assert_match(/^\|.* as it is +\|$/, tuning.log)
    assert_match(/^pitchfork: the configuration as it is has failed: the server has ended/, tuning.log)
    assert_match(/worn out/, tuning.log)
    assert_empty left_over(tuning)
  end

  def test_record_and_replay
    recording = command("--record", "recorded.txt", "--record-header", "X-Mine", "-l", "127.0.0.1:0", list: nil)
    config = File.join(@directory, "config/pitchfork.rb")
    File.write(config, File.read(config).sub(/^listen.*$/, ""))
    recording.start
    recording.get("/a?b=c", "Cookie" => "secret", "Authorization" => "secret", "X-Mine" => "1", "Accept" => "text/plain")
    post = Net::HTTP::Post.new("/post", "Content-Type" => "text/plain")
    post.body = "the body"
    assert_equal "/post the body", recording.request(post).body
    recording.signal(:INT)
    assert_equal 0, recording.wait.exitstatus, recording.log

    path = File.join(@directory, "recorded.txt")
    assert_equal 0o600, File.stat(path).mode & 0o777
    first, second = File.readlines(path).map { |line| JSON.parse(line) }
    assert_equal ["GET", "/a?b=c", "1", "text/plain"], [first["method"], first["path"], *first["headers"].values_at("X-Mine", "Accept")]
    refute_includes File.read(path), "secret"
    assert_equal ["POST", "/post", "the body"], second.values_at("method", "path", "body")
    assert_includes recording.log, "2 requests in recorded.txt"
    assert_empty left_over(recording)

    tuning = command("--requests", "recorded.txt", "--minutes", "2", "--only", "malloc_arena_max").spawn
    tuning.wait_for(/per worker.* as it is$/)
    assert_equal 130, tuning.stop(:INT).exitstatus, tuning.log
  end

  # @param lines [String] of the configuration
  def record(lines = "", app: APP)
    command("--record", "recorded.txt", list: nil, app: app).tap do
      write("config/pitchfork.rb", "listen '127.0.0.1:0'\nworker_processes 1\n#{lines}\n")
    end
  end

  # A list that only root may write to is no good to workers that are somebody else.
  def test_record_as_another_user
    skip "only root can become another user" unless Process.euid.zero?
    File.chmod(0o755, @directory)
    recording = record("user 'nobody'", app: "run ->(env) { [200, {}, [Process.euid.to_s]] }\n").start
    nobody = Etc.getpwnam("nobody").uid.to_s
    assert_equal [nobody, nobody], [recording.get("/a").body, recording.get("/b").body]
    path = File.join(@directory, "recorded.txt")
    assert_equal [nobody.to_i, 0o600], [File.stat(path).uid, File.stat(path).mode & 0o777]
    recording.signal(:INT)
    assert_equal 0, recording.wait.exitstatus, recording.log
    assert_includes recording.log, "2 requests in recorded.txt"

    File.chown(0, 0, path)
    refused = record("user 'nobody'").spawn
    assert_equal 1, refused.wait.exitstatus
    assert_includes refused.log,
                    "pitchfork: tune: --record recorded.txt: Permission denied, for user nobody; name a file that it may write to"
  end

  def test_nothing_recorded
    recording = record.start
    recording.signal(:INT)
    assert_equal 0, recording.wait.exitstatus, recording.log
    assert_includes recording.log, "0 requests in recorded.txt\npitchfork: tune: no request was recorded"
    refute_includes recording.log, "recording has failed"
  end

  def test_recording_that_fails_for_a_while
    recording = record.start
    File.rename(path = File.join(@directory, "recorded.txt"), "#{path}.moved")
    assert_equal "200", recording.get("/a").code
    File.rename("#{path}.moved", path)
    assert_equal "200", recording.get("/b").code
    recording.signal(:INT)
    assert_equal 0, recording.wait.exitstatus, recording.log
    assert_match(/^pitchfork: tune: requests are missing, recording has failed: No such file or directory .*recorded\.txt/, recording.log)
    assert_includes recording.log, "\n1 request in recorded.txt\n"
  end

  def test_what_is_wrong
    { [] => /tune: name the requests by --requests FILE/, %w[--requests gone.txt] => /gone\.txt: No such file/,
      %w[--requests requests.txt --only allocatr] => /tune: --only: expected some of .*, got allocatr/,
      %w[--requests requests.txt --minutes 0] => /tune: --minutes: expected a number > 0, got 0\.0/,
      %w[--requests requests.txt --nonsense] => /tune: invalid option: --nonsense/,
      %w[--requests requests.txt gone.ru] => /gone\.ru: no such file/ }.each do |arguments, expected|
      tuning = command(*arguments).spawn
      assert_equal 1, tuning.wait.exitstatus
      assert_match(/\Apitchfork: #{expected}/, tuning.log)
    end
  end
end
