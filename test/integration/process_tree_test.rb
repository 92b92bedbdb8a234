# frozen_string_literal: true

require "support/integration_helper"

# Who is there, as whose child, and what `ps` says of them.
class ProcessTreeTest < IntegrationTest
  def test_the_tree_at_the_start
    server = start(app: WHO, config: "worker_processes 2")
    assert_equal ["pitchfork master", "pitchfork mold (gen:0)", "pitchfork worker[0] (gen:0)", "pitchfork worker[1] (gen:0)"], server.titles
    assert_equal [server.pid] * 3, server.tree.drop(1).map(&:ppid)
    assert_equal server.tree.drop(1).map(&:pid).sort, server.descendants.map(&:pid).sort, "a grandchild was left"
  end

  def test_the_tree_after_a_refork
    server = start(app: WHO, config: "worker_processes 2\nrefork_max_unavailable 1")
    workers = server.tree.map(&:pid).last(2)

    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_equal ["pitchfork master", "pitchfork mold (gen:1)", "pitchfork worker[0] (gen:1)", "pitchfork worker[1] (gen:1)"], server.titles
    assert_equal [server.pid] * 3, server.tree.drop(1).map(&:ppid)
    assert_includes workers, server.process("pitchfork mold").pid, "the promoted worker keeps its pid"
    assert_equal server.tree.drop(1).map(&:pid).sort, server.descendants.map(&:pid).sort, "a grandchild was left"
  end
end
