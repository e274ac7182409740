using Kuguru.Daemon;
using Xunit;

namespace Kuguru.Tests.Daemon;

/// <summary>With stand-ins for the programs, which write down what they are called with.</summary>
public sealed class ResolverTests : IDisposable
{
    static readonly IpAddress _dns1 = IpAddress.Parse("10.1.0.53"), _dns2 = IpAddress.Parse("fd01::53");
    readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("kuguru-resolver-");
    readonly List<string> _complaints = [];

    string Calls => File.Exists(Record) ? File.ReadAllText(Record) : "";
    string Record => System.IO.Path.Join(_place.FullName, "calls");

    [Fact]
    public void Resolved_is_told_servers_for_the_device_and_to_forget_them()
    {
        Install("resolvectl");
        using (var resolver = Open(isResolvedRunning: true))
        {
            Assert.Equal(ResolverKind.Resolved, resolver.Kind);
            resolver.Assign(1, [_dns1, _dns2]);
            resolver.Release(1);
            resolver.Release(1);
        }
        Assert.Equal("resolvectl dns ipsec0 10.1.0.53 fd01::53\nresolvectl domain ipsec0 ~.\nresolvectl revert ipsec0\n", Calls);
        Assert.Empty(_complaints);
    }

    [Fact]
    public void Resolvconf_has_one_record_of_all_servers_and_a_leftover_is_removed_first()
    {
        Install("resolvectl");
        Install("resolvconf");
        using (var resolver = Open(isResolvedRunning: false))
        {
            Assert.Equal(ResolverKind.Resolvconf, resolver.Kind);
            resolver.Assign(1, [_dns1]);
            resolver.Assign(2, [_dns2, _dns1]);
            resolver.Release(1);
        }
        Assert.Equal("""
            resolvconf -d lo.kuguru-ipsec0
            resolvconf -a lo.kuguru-ipsec0
            nameserver 10.1.0.53
            resolvconf -a lo.kuguru-ipsec0
            nameserver 10.1.0.53
            nameserver fd01::53
            resolvconf -a lo.kuguru-ipsec0
            nameserver fd01::53
            nameserver 10.1.0.53
            resolvconf -d lo.kuguru-ipsec0

            """, Calls);
    }

    [Fact]
    public void With_neither_it_says_what_to_do()
    {
        using var resolver = Open(isResolvedRunning: false);
        resolver.Assign(1, [_dns1]);
        Assert.Equal("cannot use the DNS servers that the peer gave (10.1.0.53): neither systemd-resolved (resolvectl) nor resolvconf is here; "
            + "install one, or write them into /etc/resolv.conf", Assert.Single(_complaints));
    }

    [Fact]
    public void A_program_that_fails_is_quoted()
    {
        Install("resolvectl", "echo 'Failed to resolve interface' >&2; exit 1");
        var resolver = Open(isResolvedRunning: true);
        resolver.Assign(1, [_dns1]);
        resolver.Dispose();
        Assert.Equal("cannot set DNS servers: 'resolvectl dns ipsec0 10.1.0.53' failed (1): Failed to resolve interface", _complaints[0]);
    }

    Resolver Open(bool isResolvedRunning) => new("ipsec0", _complaints.Add, _place.FullName, isResolvedRunning ? _place.FullName : "/nowhere");

    void Install(string program, string then = "cat >> calls")
    {
        var path = System.IO.Path.Join(_place.FullName, program);
        File.WriteAllText(path, $"#!/bin/sh\ncd {_place.FullName}\necho {program} \"$@\" >> calls\n{then}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public void Dispose() => _place.Delete(recursive: true);
}
