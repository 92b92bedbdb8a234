# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/boot_environment"

class UsersPreloadTest < UnitTest
  BUILT_WITH_JEMALLOC = RbConfig::CONFIG.values_at("MAINLIBS", "LIBS").join.include?("jemalloc")

  def complaint(value, wish)
    Pitchfork::BootEnvironment::UsersPreload.new(value, wish).complaint
  end

  def test_jemalloc_is_in_it
    File.symlink(write("libjemalloc.so.2"), "malloc.so")
    ["libjemalloc.so.2", "/opt/lib/libjemalloc.so", "libfaketime.so.1:libjemalloc.so.2", "libfaketime.so.1 libjemalloc.so.2",
     File.expand_path("malloc.so")].each { |value| assert_nil complaint(value, :jemalloc), value }
  end

  def test_jemalloc_is_not_in_it
    skip "this Ruby was built with jemalloc" if BUILT_WITH_JEMALLOC
    assert_equal "allocator :jemalloc has no effect: LD_PRELOAD=libfaketime.so.1 is set by the user; " \
                 "add libjemalloc.so.2 to it, or unset it", complaint("libfaketime.so.1", :jemalloc)
    assert_match(/LD_PRELOAD= is set by the user/, complaint("", :jemalloc))
    assert_match(/has no effect/, complaint("/opt/jemalloc/lib/libfaketime.so.1", :jemalloc), "a directory is no library")
  end

  def test_a_path
    path = write("lib/mimalloc.so")
    File.symlink(path, "same.so")
    [path, "mimalloc.so", "a.so:#{path}", File.expand_path("same.so")].each { |value| assert_nil complaint(value, path), value }
    ["/elsewhere/mimalloc.so", "imalloc.so", ""].each { |value| assert_match(/add #{path} to it/, complaint(value, path)) }
  end
end
