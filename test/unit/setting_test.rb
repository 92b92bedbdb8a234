# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/configuration"
require "pitchfork/configuration/markdown"

class SettingTest < UnitTest
  PAGE = File.join(ROOT, "docs/configuration.md")

  def test_the_documentation_is_that_of_the_tables
    page = File.read(PAGE, encoding: "utf-8")

    assert_includes(page, Pitchfork::Setting.markdown)
    assert_equal(Pitchfork::Configuration::Markdown.render(page), page, "run Markdown.update, see its file")
  end

  def test_the_mistakes_that_the_documentation_shows
    source = File.read(PAGE, encoding: "utf-8")
    messages = source.scan(/^    pitchfork: config\/pitchfork.rb:\d+: (.*)$/).flatten
    mistakes = ['worker_processes "four"', "refork_afer [50]"].map do |mistake|
      assert_raises(Pitchfork::ConfigurationError) do
        Pitchfork::Configurator.new.evaluate(mistake, "c")
      end.message.delete_prefix("c:1: ")
    end

    assert_equal(messages, mistakes)
  end

  def test_the_example_of_the_documentation_is_a_configuration_file
    write("config/pitchfork.rb", File.read(PAGE, encoding: "utf-8")[/```ruby\n(.*?)```/m, 1])
    configuration = Pitchfork::Configuration.load

    assert_equal([4, 2, [50, 100, 1000]],
                 [configuration.worker_processes, configuration.listeners.size, configuration.refork_after])
  end

  def test_every_default_passes_its_own_check
    (Pitchfork::Setting.options + Pitchfork::Setting.listen_options).each do |setting|
      next if setting.default.nil?

      assert_equal(setting.default, setting.check.call(setting.default), setting.name)
    end
  end

  def test_words
    names = Pitchfork::Setting.words.flat_map(&:names)

    assert_equal(names.uniq, names)
    assert_equal(:after_monitor_ready, Pitchfork::Setting.find(:after_master_ready).name)
    assert_nil(Pitchfork::Setting.find(:preload_app))
    keywords = names.reject { |name| Pitchfork::Configurator.public_method_defined?(name) }
    assert_equal(%i[cleanup_timeout refork_interval canary_seconds max_requests_jitter yjit_others_after], keywords)
  end
end
