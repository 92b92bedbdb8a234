# frozen_string_literal: true

require "support/integration_helper"

# The units in examples/systemd, as systemd itself reads them.
class SystemdUnitsTest < IntegrationTest
  UNITS = "#{ServerProcess::ROOT}/examples/systemd".freeze
  NAMES = %w[pitchfork.service pitchfork.socket].freeze
  # What the service's own comment says for those who need it.
  OLDER = /^# Before systemd (\d+): (Type=notify and ExecReload=.+)$/

  def before_setup
    super
    @version = `systemd-analyze --version`[/\d+/].to_i
  rescue Errno::ENOENT
    skip "systemd-analyze is not installed (Debian: systemd)"
  end

  # @param older [Boolean] as for those who have an older systemd
  # @return [String] what systemd says of the units, and not of others on this machine
  def verify(changes = {}, older: true)
    paths = NAMES.map do |name|
      unit = File.read("#{UNITS}/#{name}").sub(%r{^ExecStart=/usr/bin/bundle }, "ExecStart=#{RbConfig.ruby} ")
      unit = unit.sub(/^Type=.*$/, unit[OLDER, 2].sub(" and ", "\n")) if older && unit.match?(OLDER)
      changes.each { |old, new| unit = unit.sub(old, new) }
      write(name, unit)
    end
    IO.popen(["systemd-analyze", "verify", *paths, err: %i[child out]], &:readlines).grep(/pitchfork/).join
  end

  def test_systemd_has_no_complaint
    since = Integer(File.read("#{UNITS}/pitchfork.service")[OLDER, 1])
    skip "systemd #{@version} does not know Type=notify-reload" if @version < since
    assert_empty verify(older: false)
  end

  def test_nor_has_an_older_one
    assert_empty verify
  end

  def test_it_would_complain
    assert_match(/Slowness/, verify({ "KillMode=" => "Slowness=1\nKillMode=" }))
    assert_match(%r{/no/such/program}, verify({ RbConfig.ruby => "/no/such/program" }))
  end
end
