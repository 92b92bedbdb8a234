# frozen_string_literal: true

require "pitchfork/memory"
require "support/cow_case"

# What `pitchfork cow` sees of a server.
class CowLookTest < CowTest
  def test_the_page
    server = start(app: APP, config: "worker_processes 2")
    out, error, status = cow(server.pid)
    assert_equal ["", 0], [error, status]
    parts = out.split("\n\n")
    assert_match(/\Aprocess +pid +private +shared +PSS +swap\n/, parts.first)
    server.tree.each { |node| assert_match(/#{Regexp.escape(node.title)} +#{node.pid}(?: +\d+\.\d){4}$/, parts.first) }
    assert_match(/^malloc(?: +\d+\.\d)+$/, out)
    assert_match(/^gen:0 +2(?: +\d+\.\d){2} +\d+ %$/, out)
    assert_match(/\A\* /, parts.last)
  end

  def test_json
    server = start(app: APP, config: "worker_processes 2")
    seen = look(server)
    assert_equal %w[version taken master allocator total processes generations regions preparation advice], seen.keys
    assert_in_delta Time.now.to_f, seen["taken"], 60
    assert_equal server.pid, seen["master"]
    assert_equal server.tree.map { |node| [node.pid, node.title] }.sort, seen["processes"].map { |it| it.values_at("pid", "title") }.sort
    assert_equal(%w[master mold worker worker], seen["processes"].map { |it| it["role"] })
    kinds = %w[ruby_heap method_bodies malloc jit stack file other]
    seen["processes"].last(2).each do |worker|
      assert_equal kinds, worker["regions"].keys
      assert_equal %w[private shared swap unshared fresh].sort, worker["regions"]["malloc"].keys.sort
    end
    assert_operator seen["total"]["pss"], :>, 20 * MIB
    refute_empty seen["advice"]
  end

  def test_what_a_worker_writes_to
    server = start(app: APP, config: "worker_processes 1\npromotion :fork")
    server.get("/")
    before = look(server)
    server.get("/write")
    after = look(server)
    assert_equal([1, 2], [before, after].map { |seen| seen["processes"].last.dig("work", "requests") })
    grown = ->(*path) { after.dig(*path) - before.dig(*path) }
    assert_in_delta 12 * MIB, grown.("regions", "ruby_heap", "unshared"), 2 * MIB
    assert_operator grown.("regions", "ruby_heap", "fresh"), :<, 2 * MIB
    assert_in_delta 12 * MIB, grown.("total", "pss"), 3 * MIB
    advice = after["advice"].find { |it| it["key"] == "generation_zero" }
    assert_operator advice["bytes"], :>, 12 * MIB
  end

  def test_what_is_set_is_not_advised
    server = start(app: APP, config: "worker_processes 1\nrefork_after [100_000]")
    assert_equal [RUBY_VERSION, ["refork_after"]], notes(server.process("pitchfork worker[0]").pid)
    server.get("/write")
    advice = look(server)["advice"].find { |it| it["key"] == "generation_zero" }
    assert_equal ["refork_when :sharing"], advice["settings"]
    assert_includes advice["text"], "refork_after is set, and not reached yet"
  end

  def notes(pid)
    notes = Pitchfork::Memory::Notes.parse(Pitchfork::Memory.notes(pid))
    [notes.ruby, notes.settings]
  end

  def test_the_preparation_and_the_generations
    server = start(app: APP, config: "worker_processes 2")
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    seen = look(server)
    assert_equal([[1, 2]], seen["generations"].map { |it| it.values_at("generation", "workers") })
    preparation = seen["preparation"]
    assert_equal [1, server.process("pitchfork mold").pid], preparation.values_at("generation", "pid")
    refute_empty preparation["steps"]
    preparation["steps"].each { |step| assert_operator step["seconds"], :>=, 0 }
    assert_match(/^preparation of the mold, gen:1 +seconds +MiB$/, cow(server.pid).first)
  end

  # The children of workers are the app's own affair, but their memory counts.
  def test_what_the_app_has_started
    app = "CHILD = {}\nrun ->(env) { CHILD[:pid] ||= Process.spawn('sleep', '1000'); [200, {}, [CHILD[:pid].to_s]] }"
    server = start(app: app)
    child = server.get.body.to_i
    seen = look(server)["processes"].find { |it| it["pid"] == child }
    assert_equal ["other", 2], seen.values_at("role", "depth")
  end
end
