# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/configuration"
require "pitchfork/boot_environment"

class PreloadTest < UnitTest
  Preload = Pitchfork::BootEnvironment::Preload

  def installed
    Dir.glob("/usr/lib/*-linux-*/libjemalloc.so.2").first || skip("jemalloc is not installed: bin/setup --test")
  end

  # A library without any function, for this machine.
  def empty_library
    write("empty.c", "int pitchfork_empty;\n")
    system("cc", "-shared", "-o", "empty.so", "empty.c") || flunk("no C compiler")
    File.expand_path("empty.so")
  end

  def test_jemalloc_is_found
    path = installed
    found = Preload.find(:jemalloc)
    assert_equal File.realpath(path), found.path
    assert_match(/\A\d+\.\d+\.\d+\z/, found.version)
    assert_nil found.complaint if found.version.start_with?("5.3")
  end

  def test_a_path
    found = Preload.find(installed)
    assert_equal installed, found.path
    refute_nil found.version
  end

  def test_another_allocator_has_no_version
    found = Preload.find(empty_library)
    assert_equal [nil, nil], [found.version, found.complaint]
  end

  def test_an_old_version_is_complained_of
    expected = "allocator: /lib/je.so is jemalloc 5.2.1, and versions before 5.3 may hang in a fork; use a newer one, or allocator :default"
    assert_equal expected, Preload.new("/lib/je.so", "5.2.1").complaint
    assert_nil Preload.new("/lib/je.so", "5.10.0").complaint
    assert_match(/\Aallocator: this Ruby's jemalloc is jemalloc 5\.2\.1, /, Preload.new(nil, "5.2.1").complaint)
  end

  def test_no_such_file
    assert_message("allocator: /no/such/library.so: no such file") { Preload.find("/no/such/library.so") }
  end

  def test_a_file_that_the_loader_does_not_take
    error = assert_raises(Pitchfork::ConfigurationError) { Preload.find(write("libjemalloc.so.2", "\x7fELF")) }
    assert_match(/\Aallocator: #{@directory}\S+ can't be loaded before this Ruby \(\S+\): made for another machine/, error.message)
  end
end
