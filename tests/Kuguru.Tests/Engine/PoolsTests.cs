using Kuguru.Engine;
using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Engine;

public class PoolsTests
{
    static readonly Identity Alice = Identity.Parse("alice@example.org"), Venus = Identity.Parse("venus@example.org"), Carol = Identity.Parse("carol@example.org");

    readonly Pools _pools = new();

    public PoolsTests() => _pools.Load(new Pool { Name = "two", Addresses = Range("10.3.0.1", "10.3.0.2"), Dns = [IpAddress.Parse("10.3.0.53")] });

    [Fact]
    public void Two_peers_get_two_addresses_and_a_third_gets_none()
    {
        Assert.Equal("10.3.0.1", Lease(Alice, 1));
        Assert.Equal("10.3.0.2", Lease(Venus, 2));
        Assert.Null(Lease(Carol, 3));
    }

    [Fact]
    public void What_is_told_with_an_address_comes_along() =>
        Assert.Equal([IpAddress.Parse("10.3.0.53")], _pools.Lease(["two"], Alice, 1, IpAddress.AnyV4)!.Dns);

    [Fact]
    public void Who_comes_back_gets_the_address_it_had()
    {
        Lease(Alice, 1);
        Lease(Venus, 2);
        Release("10.3.0.2", 2);
        Release("10.3.0.1", 1);
        Assert.Equal("10.3.0.2", Lease(Venus, 3));
        Assert.Equal("10.3.0.1", Lease(Alice, 4));
    }

    [Fact]
    public void One_identity_twice_gets_two_addresses()
    {
        Assert.Equal("10.3.0.1", Lease(Alice, 1));
        Assert.Equal("10.3.0.2", Lease(Alice, 2));
    }

    [Fact]
    public void An_address_that_was_left_goes_to_somebody_else_only_when_no_fresh_one_is_there()
    {
        Lease(Alice, 1);
        Release("10.3.0.1", 1);
        Assert.Equal("10.3.0.2", Lease(Venus, 2));
        Assert.Equal("10.3.0.1", Lease(Carol, 3));
        Assert.Null(Lease(Alice, 4));
    }

    [Fact]
    public void A_release_by_another_IKE_SA_changes_nothing()
    {
        Lease(Alice, 1);
        Lease(Venus, 2);
        Release("10.3.0.1", 2);
        Assert.Null(Lease(Carol, 3));
    }

    [Fact]
    public void Families_have_pools_of_their_own()
    {
        _pools.Load(new Pool { Name = "six", Addresses = Range("fec3::1", "fec3::ff") });
        Assert.Equal("fec3::1", _pools.Lease(["two", "six"], Alice, 1, IpAddress.AnyV6)!.Address.ToString());
    }

    [Fact]
    public void A_pool_in_use_neither_goes_nor_shrinks()
    {
        Lease(Alice, 1);
        Assert.NotNull(_pools.Unload("two"));
        Assert.NotNull(_pools.Load(new Pool { Name = "two", Addresses = Range("10.4.0.1", "10.4.0.9") }));
        Release("10.3.0.1", 1);
        Assert.Null(_pools.Unload("two"));
    }

    [Fact]
    public void Status_tells_who_is_here_and_who_is_away()
    {
        Lease(Alice, 1);
        Lease(Venus, 2);
        Release("10.3.0.1", 1);
        var status = _pools.Find("two")!;
        Assert.Equal((2, 1, 1), ((int)status.Size, status.Online, status.Offline));
        Assert.Equal(["10.3.0.1 alice@example.org False", "10.3.0.2 venus@example.org True"],
            status.Leases.Select(lease => $"{lease.Address} {lease.Owner} {lease.Online}"));
    }

    string? Lease(Identity owner, uint ike) => _pools.Lease(["two"], owner, ike, IpAddress.AnyV4)?.Address.ToString();
    void Release(string address, uint ike) => _pools.Release(ike, new VirtualAddress("two", IpAddress.Parse(address), [], []));
    static AddressRange Range(string first, string last) => new(IpAddress.Parse(first), IpAddress.Parse(last));
}
