# frozen_string_literal: true

require "support/hot_restart_case"

# A link that is switched from one directory of code to the next, as deployment tools do.
class HotRestartDeploymentsTest < HotRestartCase
  SHELL = ["/bin/sh", "-c", 'cd current && exec "$@"', "sh"].freeze
  RUBY = [RbConfig.ruby, "-w", "-I#{ServerProcess::ROOT}/lib", "#{ServerProcess::ROOT}/exe/pitchfork", "-c", "pitchfork.rb"].freeze

  # Answers with what shows where the code is from.
  APP = <<~'RUBY'
    require_relative "lib/word"
    run ->(_) { [200, {}, [[WORD, Dir.pwd, ENV["BUNDLE_GEMFILE"]].join(" ")]] }
  RUBY

  # Makes a directory of code and has the link point to it.
  def release_code(number)
    { "config.ru" => APP, "lib/word.rb" => "WORD = '#{number}'\n", "pitchfork.rb" => "worker_processes #{number}\n#{COMMON}" }
      .each { |name, text| write("releases/#{number}/#{name}", text) }
    File.symlink("releases/#{number}", path("next"))
    File.rename(path("next"), path("current"))
  end

  COMMON = "listen '127.0.0.1:0'\ncanary_requests 0\n"

  # What the app is to answer.
  def code(number, gemfile: "releases/#{number}/Gemfile")
    [number, path("releases/#{number}"), path(gemfile)].join(" ")
  end

  def start_there(command, gemfile)
    release_code(1)
    start(app: nil, command: command, env: { "BUNDLE_GEMFILE" => path(gemfile) })
  end

  def test_the_code_comes_from_where_the_link_points_now
    server = start_there(SHELL + RUBY, "releases/1/Gemfile")
    assert_equal code(1), server.get.body
    release_code(2)
    hot_restart(server)
    assert_equal code(2), server.get.body
    assert_equal 2, server.titles.grep(/worker/).size
    FileUtils.rm_r(path("releases/1"))
    release_code(3)
    hot_restart(server)
    assert_equal code(3), server.get.body
    assert_clean_stop server
  end

  # What a mold boots is the code that serves, and not what is to be deployed next.
  def test_a_switched_link_waits_for_hup
    server = start_there(SHELL + RUBY, "releases/1/Gemfile")
    release_code(2)
    server.tree.drop(1).each { |child| server.signal(:KILL, to: child.pid) }
    server.wait_for(/mold gen=1 pid=\d+ ready/)
    assert_equal code(1), server.get.body
    assert_clean_stop server
  end

  def test_a_gemfile_from_elsewhere_stays
    server = start_there(SHELL + RUBY, "shared/Gemfile")
    release_code(2)
    hot_restart(server)
    assert_equal code(2, gemfile: "shared/Gemfile"), server.get.body
    assert_clean_stop server
  end

  def test_a_directory_without_code
    server = start_there(SHELL + RUBY, "releases/1/Gemfile")
    File.unlink(path("current"))
    server.signal(:HUP)
    server.wait_for(/ERROR .*hot restart refused: .*No such file or directory.*current/)
    assert_equal code(1), server.get.body
    release_code(2)
    hot_restart(server)
    assert_equal code(2), server.get.body
    assert_clean_stop server
  end
end
