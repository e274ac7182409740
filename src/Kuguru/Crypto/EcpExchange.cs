namespace Kuguru.Crypto;

/// <summary>
/// Groups 19, 20 and 21 (RFC 5903): P-256, P-384 and P-521. A public value is x | y, each as long as the field, and must be a point of
/// the curve with coordinates in range (RFC 6989 section 2.3); infinity cannot be written so, and with cofactor 1 no more is to be checked.
/// </summary>
sealed unsafe class EcpExchange : KeyExchange
{
    readonly nint _group;
    readonly int _length;

    public EcpExchange(KeyExchangeMethod method, Secret scalar) : base(method, scalar)
    {
        _group = Group(method);
        _length = PublicLength(method) / 2;
        using var number = BigNumber.Read(scalar);
        using var scratch = new Scratch();
        using var point = new Point(_group);
        Libcrypto.Check(Libcrypto.PointMultiply(_group, point.Handle, number.Handle, 0, 0, scratch.Handle), "EC_POINT_mul");
        PublicValue = Coordinates(point, scratch);
    }

    public override Blob PublicValue { get; }

    // 64 bits more than the order has, reduced: uniform but for 2^-64, and no loop that depends on the dice (FIPS 186-5 A.2.1).
    public static new EcpExchange Start(KeyExchangeMethod method, Dice dice)
    {
        using var raw = Secret.Random(PublicLength(method) / 2 + 8, dice);
        using var number = BigNumber.Read(raw);
        using var range = BigNumber.Copy(Libcrypto.Need(Libcrypto.GroupOrder(Group(method)), "EC_GROUP_get0_order"));
        using var scalar = BigNumber.New();
        using var scratch = new Scratch();
        Libcrypto.Check(Libcrypto.NumberSubtract(range.Handle, 1), "BN_sub_word");
        Libcrypto.Check(Libcrypto.NumberDivide(0, scalar.Handle, number.Handle, range.Handle, scratch.Handle), "BN_div");
        Libcrypto.Check(Libcrypto.NumberAdd(scalar.Handle, 1), "BN_add_word");
        var secret = new Secret(PublicLength(method) / 2);
        scalar.Write(secret.Buffer);
        return new(method, secret);
    }

    private protected override PublicValueFault Derive(ReadOnlySpan<byte> peerPublic, out Secret? shared)
    {
        shared = null;
        using var x = BigNumber.Read(peerPublic[.._length]);
        using var y = BigNumber.Read(peerPublic[_length..]);
        var field = Libcrypto.Need(Libcrypto.GroupField(_group), "EC_GROUP_get0_field");
        if (!x.IsBelow(field) || !y.IsBelow(field))
            return PublicValueFault.OutOfRange;
        using var scratch = new Scratch();
        using var peer = new Point(_group);
        if (Libcrypto.Refused(Libcrypto.PointSet(_group, peer.Handle, x.Handle, y.Handle, scratch.Handle)))
            return PublicValueFault.NotOnCurve;
        using var scalar = BigNumber.Read(PrivateValue);
        using var product = new Point(_group);
        Libcrypto.Check(Libcrypto.PointMultiply(_group, product.Handle, 0, peer.Handle, scalar.Handle, scratch.Handle), "EC_POINT_mul");
        using var result = BigNumber.New();
        Libcrypto.Check(Libcrypto.PointGet(_group, product.Handle, result.Handle, 0, scratch.Handle), "EC_POINT_get_affine_coordinates");
        shared = new Secret(_length);
        result.Write(shared.Buffer);
        return PublicValueFault.None;
    }

    byte[] Coordinates(Point point, Scratch scratch)
    {
        using var x = BigNumber.New();
        using var y = BigNumber.New();
        Libcrypto.Check(Libcrypto.PointGet(_group, point.Handle, x.Handle, y.Handle, scratch.Handle), "EC_POINT_get_affine_coordinates");
        var bytes = new byte[2 * _length];
        x.Write(bytes.AsSpan(.._length));
        y.Write(bytes.AsSpan(_length..));
        return bytes;
    }

    static nint Group(KeyExchangeMethod method) => method switch
    {
        KeyExchangeMethod.Ecp256 => Groups.P256,
        KeyExchangeMethod.Ecp384 => Groups.P384,
        KeyExchangeMethod.Ecp521 => Groups.P521,
        _ => throw NotSupported(method),
    };

    readonly ref struct Point(nint group) : IDisposable
    {
        public nint Handle { get; } = Libcrypto.Need(Libcrypto.PointNew(group), "EC_POINT_new");

        public void Dispose() => Libcrypto.PointClearFree(Handle);
    }

    static class Groups
    {
        public static readonly nint P256 = Libcrypto.Need(Libcrypto.GroupNew(Libcrypto.CurvePrime256v1), "EC_GROUP_new_by_curve_name");
        public static readonly nint P384 = Libcrypto.Need(Libcrypto.GroupNew(Libcrypto.CurveSecp384r1), "EC_GROUP_new_by_curve_name");
        public static readonly nint P521 = Libcrypto.Need(Libcrypto.GroupNew(Libcrypto.CurveSecp521r1), "EC_GROUP_new_by_curve_name");
    }
}
