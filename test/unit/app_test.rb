# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/app"
require "pitchfork/configuration"

class AppTest < UnitTest
  APP = "run ->(_env) { [200, {}, ['hello']] }\n"

  def test_ru
    assert_equal([200, {}, ["hello"]], load_ru(APP).call({}))
  end

  def test_no_middleware_is_put_around_the_app
    assert_instance_of(Proc, load_ru(APP))
  end

  # As the setting asks for it, and then around all that can be an app.
  def test_lint
    write("pitchfork.rb", "lint true\n")
    small = write("linted_app.rb", "LintedApp = ->(_env) { [200, {}, ['hello']] }\n")
    lint = { config_file: "pitchfork.rb" }
    apps = [load_ru(APP, **lint), load(small, **lint), Pitchfork::App.load(Pitchfork::Configuration.load(app: ->(_) {}, **lint))]
    apps.each do |app|
      assert_instance_of(Rack::Lint, app)
      assert_match(/env missing required key/, assert_raises(Rack::Lint::LintError) { app.call({}) }.message)
    end
  end

  def test_lint_without_rack
    write("pitchfork.rb", "lint true\n")
    write("lib/rack.rb", "raise LoadError, 'cannot load such file -- rack'\n")
    code = "require 'pitchfork/app'; require 'pitchfork/configuration'; " \
           "Pitchfork::App.load(Pitchfork::Configuration.load(app: 1, config_file: 'pitchfork.rb')) rescue print($!.class, ' ', $!.message)"

    assert_equal("Pitchfork::BootFailure lint: cannot load such file -- rack; it needs the rack gem", ruby("-e", code).first)
  end

  def test_an_option_line_is_a_comment
    assert_respond_to(load_ru("#\\ -p 3000\n#{APP}"), :call)
  end

  def test_what_follows_the_end_marker_is_no_code
    ["__END__\nno ruby (\n", "__END__\r\nno ruby (\n", "__END__"].each do |rest|
      assert_respond_to(load_ru(APP + rest), :call)
    end
    assert_equal("__END__x", load_ru("__END__x = '__END__x'\nrun ->(_) { __END__x }\n").call({}))
  end

  def test_magic_comments
    assert_equal([true, false, Encoding::ISO_8859_1], [
      load_ru("# frozen_string_literal: true\nrun ->(_) { 'x'.frozen? }\n").call({}),
      load_ru("# frozen_string_literal: false\nrun ->(_) { 'x'.frozen? }\n").call({}),
      load_ru("# encoding: iso-8859-1\nrun ->(_) { 'x'.encoding }\n").call({})
    ])
  end

  def test_the_encoding_is_that_of_ruby_code_in_every_locale
    write("config.ru", "\uFEFFrun ->(_) { 'grün' }\n")
    code = "require 'pitchfork/app'; require 'pitchfork/configuration'; " \
           "app = Pitchfork::App.load(Pitchfork::Configuration.load(rackup: 'config.ru')); " \
           "p app.call({}).encoding, app.call({}).length"

    assert_equal("#<Encoding:UTF-8>\n4\n", ruby("-e", code, env: { "LC_ALL" => "C" }).first)
  end

  def test_file_and_line
    app = load_ru("# one\n# two\nrun ->(_) { [__FILE__, __LINE__, __dir__] }\n")
    assert_equal(["#{@directory}/config.ru", 3, @directory], app.call({}))

    error = assert_raises(RuntimeError) { load_ru("#\\ -w\n\nraise 'boom'\n") }
    assert_match(/\A#{@directory}\/config.ru:3:/, error.backtrace.first)
  end

  def test_require_relative
    write("relative_app.rb", "RELATIVE_APP = ->(_) { :relative }\n")

    assert_equal(:relative, load_ru("require_relative 'relative_app'\nrun RELATIVE_APP\n").call({}))
  end

  def test_rb
    path = write("my_small_app.rb", "module MySmallApp; def self.call(_env) = :small; end\n")

    assert_equal(:small, load(path).call({}))
  end

  def test_an_object_in_memory
    app = ->(_env) {}

    assert_same(app, Pitchfork::App.load(Pitchfork::Configuration.load(app: app)))
  end

  def test_libraries_and_code_come_first_and_in_order
    write("lib_before.rb", "$order = [:require]\n")
    app = load_ru("run ->(_) { $order << :app }\n", requires: ["#{@directory}/lib_before"],
                                                    eval_code: ["$order << :first", "$order << __LINE__"])

    assert_equal([:require, :first, 2, :app], app.call({}))
  end

  def test_files_that_give_no_app
    number = write("number_app.rb", "NumberApp = 3\n")
    nothing = write("nothing_app.rb", "NothingAp = 3\n")
    name = write("2-apps.rb", "")

    assert_failure("#{number}: NumberApp: expected a Rack application, which responds to call, got 3") { load(number) }
    assert_failure("#{nothing}: expected it to define NothingApp, the constant named after the file") { load(nothing) }
    assert_failure("#{name}: the name of the file gives no name for a constant; rename it, or write a config.ru") do
      load(name)
    end
    assert_failure("#{@directory}/gone.ru: no such file") { load("gone.ru") }
    assert_failure("#{@directory}/config.ru: expected a Rack application, which responds to call, got 3") do
      load_ru("run 3\n")
    end
  end

  def test_exceptions_of_the_application_pass_unchanged
    error = Class.new(StandardError)
    self.class.const_set(:Unlucky, error)

    assert_raises(error) { load_ru("raise AppTest::Unlucky\n") }
    assert_raises(SyntaxError) { load_ru("run do (\n") }
    assert_raises(LoadError) { load(write("loading_app.rb", "require 'no/such/library'\n")) }
  end

  def test_find
    write("config.ru")
    write("here.rb")
    elsewhere = write("elsewhere/there.rb")
    $LOAD_PATH.unshift("#{@directory}/elsewhere")

    assert_equal(["#{@directory}/config.ru", "#{@directory}/here.rb", elsewhere],
                 ["config.ru", "./here.rb", "there.rb"].map { |path| Pitchfork::App.find(path) })
    assert_message("no.ru: no such file; name the application's .ru or .rb file") { Pitchfork::App.find("no.ru") }
    assert_message("here: expected the application's .ru or .rb file") { Pitchfork::App.find("here") }
  ensure
    $LOAD_PATH.delete("#{@directory}/elsewhere")
  end

  private

  def load(path, **context)
    Pitchfork::App.load(Pitchfork::Configuration.load(rackup: path, **context))
  end

  def load_ru(text, **context)
    load(write("config.ru", text), **context)
  end

  def assert_failure(message, &block)
    assert_message(message, Pitchfork::BootFailure, &block)
  end
end
