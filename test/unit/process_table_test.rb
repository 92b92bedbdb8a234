# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/process_table"

# With a proc of our own: processes that no machine would keep still for a test.
class ProcessTableTest < UnitTest
  def process(pid, parent, title, uid: 1000, children: nil)
    write("proc/#{pid}/stat", "#{pid} (a) name) R) S #{parent} 1 1 0")
    write("proc/#{pid}/cmdline", title.tr(" ", "\0"))
    write("proc/#{pid}/status", "Name:\tx\nUid:\t0\t#{uid}\t0\t0\n")
    write("proc/#{pid}/task/#{pid}/children", children) if children
  end

  def table
    Pitchfork::ProcessTable.new("#{@directory}/proc")
  end

  def assert_the_whole_tree
    tree = table.tree(10)
    assert_equal [10, 12, 11, 3, 13], tree.map(&:pid)
    assert_equal [0, 1, 1, 2, 1], tree.map(&:depth)
    assert_equal "pitchfork worker[2] (gen:0)", tree[2].title
  end

  def test_a_tree_by_the_children_that_each_thread_has
    process(10, 1, "pitchfork master", children: "11 12 13 99 ")
    process(11, 10, "pitchfork worker[2] (gen:0)", children: "")
    write("proc/11/task/15/children", "3 ")
    process(12, 10, "pitchfork mold (gen:0)", children: "")
    process(13, 10, "pitchfork worker[10] (gen:0)", children: "")
    process(3, 11, "ffmpeg -i x", children: "")
    assert_the_whole_tree
  end

  def test_a_tree_where_the_kernel_has_no_such_lists
    process(10, 1, "pitchfork master")
    process(11, 10, "pitchfork worker[2] (gen:0)")
    process(12, 10, "pitchfork mold (gen:0)")
    process(13, 10, "pitchfork worker[10] (gen:0)")
    process(3, 11, "ffmpeg -i x")
    process(4, 1, "somebody else")
    assert_the_whole_tree
  end

  def test_what_is_not_there
    process(10, 1, "pitchfork master", children: "")
    assert_equal [], table.tree(11)
    assert_equal [nil, nil, nil, nil], [table.title(11), table.parent(11), table.owner(11), table.working_directory(11)]
    assert_equal [nil, false], [table.stat(11), table.zombie?(11)]
  end

  def test_what_the_kernel_says_of_its_state
    process(10, 7, "x")
    assert_equal [%w[S 7 1 1 0], false], [table.stat(10), table.zombie?(10)]
  end

  def test_a_zombie
    child = Process.spawn("true")
    table = Pitchfork::ProcessTable.new
    Thread.pass until table.zombie?(child)
    assert_equal ["", Process.pid], [table.title(child), table.parent(child)]
  ensure
    Process.wait(child)
  end

  def test_branches
    assert_equal ["", "├─ ", "   └─ ", "└─ ", "   ├─ ", "   └─ "], Pitchfork::ProcessTable.branches([0, 1, 2, 1, 2, 2])
    assert_empty Pitchfork::ProcessTable.branches([])
  end

  def test_owner_and_parent
    process(10, 7, "x", uid: 65_534)
    assert_equal [65_534, 7, [10]], [table.owner(10), table.parent(10), table.pids]
  end

  def test_ourselves
    table = Pitchfork::ProcessTable.new
    child = Process.spawn("sleep", "60")
    assert_includes table.tree(Process.pid).map { |node| [node.pid, node.depth] }, [child, 1]
    assert_equal [Process.pid, Process.euid, Dir.pwd], [table.parent(child), table.owner(child), table.working_directory(child)]
  ensure
    Process.kill(:KILL, child)
    Process.wait(child)
  end
end
