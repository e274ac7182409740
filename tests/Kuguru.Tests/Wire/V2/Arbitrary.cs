using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Tests.Wire.V2;

/// <summary>Makes random messages and payloads, by reflection over their constructors, so that a new kind of payload is in every test at once.</summary>
sealed class Arbitrary(int seed)
{
    readonly Random _random = new(seed);

    public static IReadOnlyList<Type> PayloadKinds { get; } = KindsOf(typeof(Payload));

    public IkeMessage Message(params Payload[] payloads) => new(
        Value<IkeSpi>(), Value<IkeSpi>(), Value<ExchangeType>(), (IkeFlags)(_random.Next(8) << 3), Value<MessageId>(), payloads.ToSequence());

    /// <summary>Payloads of random kinds; some end with a protected one.</summary>
    public IkeMessage Message()
    {
        var kinds = PayloadKinds.Where(kind => !kind.IsAssignableTo(typeof(Payload.Encrypted))).ToList();
        var payloads = Enumerable.Range(0, _random.Next(6)).Select(_ => Payload(kinds[_random.Next(kinds.Count)])).ToList();
        if (_random.Next(4) == 0)
            payloads.Add(Payload(_random.Next(2) == 0 ? typeof(Payload.SK) : typeof(Payload.SKF)));
        return Message([.. payloads]);
    }

    /// <summary>One payload of each kind, the protected ones left out.</summary>
    public IEnumerable<Payload> OneOfEachKind() =>
        PayloadKinds.Where(kind => !kind.IsAssignableTo(typeof(Payload.Encrypted))).Select(Payload);

    public Payload Payload(Type kind) => (Payload)Value(kind);

    T Value<T>() => (T)Value(typeof(T));

    object Value(Type type)
    {
        if (type == typeof(Payload.Nonce))
            return new Payload.Nonce(Blob(Kuguru.Wire.V2.Payload.Nonce.MinLength, Kuguru.Wire.V2.Payload.Nonce.MaxLength));
        if (type == typeof(Payload.SKF))
            return new Payload.SKF(Value<PayloadType>(), (ushort)_random.Next(1, 5), (ushort)_random.Next(5, 9), Blob(0, 60));
        if (type == typeof(Payload.Unknown))
            return new Payload.Unknown((PayloadType)_random.Next(128, 256), _random.Next(2) == 0, Blob(0, 60));
        if (type == typeof(TrafficSelector.Unknown))
            return new TrafficSelector.Unknown((TsType)_random.Next(9, 256), Value<byte>(), Blob(0, 60));
        if (type == typeof(TrafficSelector.AddressRange))
            return _random.Next(2) == 0 ? Range(bytes => IpAddress.Read(bytes.Span[..4])) : Range(bytes => IpAddress.Read(bytes));
        if (type == typeof(TransformAttribute) && _random.Next(2) == 0)
            return new TransformAttribute(Value<TransformAttributeType>(), true, Blob(2, 2));
        if (type == typeof(TransformAttribute))
            return new TransformAttribute(Value<TransformAttributeType>(), false, Blob(0, 9));
        if (type == typeof(TransformAttributeType) || type == typeof(ConfigAttributeType))
            return Enum.ToObject(type, _random.Next(0x8000));
        if (type == typeof(Blob))
            return Blob(0, 40);
        if (type.IsEnum)
            return Enum.ToObject(type, Bits(Enum.GetUnderlyingType(type)));
        if (type.IsPrimitive)
            return Bits(type);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Sequence<>))
            return SequenceOf(type.GenericTypeArguments[0]);
        if (type.IsAbstract)
            return KindsOf(type) is var kinds ? Value(kinds[_random.Next(kinds.Count)]) : null!;
        var fields = type.GetMethod("Deconstruct")!.GetParameters().Select(field => field.ParameterType.GetElementType()!).ToArray();
        return type.GetConstructor(fields)!.Invoke([.. fields.Select(Value)]);
    }

    object SequenceOf(Type item)
    {
        var items = Array.CreateInstance(item, _random.Next(4));
        for (var i = 0; i < items.Length; i++)
            items.SetValue(Value(item), i);
        return typeof(Sequence).GetMethod(nameof(Sequence.ToSequence))!.MakeGenericMethod(item).Invoke(null, [items])!;
    }

    TrafficSelector.AddressRange Range(Func<Blob, IpAddress> address) =>
        new(Value<IpProtocol>(), Value<ushort>(), Value<ushort>(), address(Blob(16, 16)), address(Blob(16, 16)));

    Blob Blob(int min, int max)
    {
        var bytes = new byte[_random.Next(min, max + 1)];
        _random.NextBytes(bytes);
        return bytes;
    }

    object Bits(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => _random.Next(2) == 0,
        TypeCode.Byte => (byte)_random.Next(),
        TypeCode.UInt16 => (ushort)_random.Next(),
        TypeCode.UInt32 => (uint)_random.NextInt64(),
        TypeCode.UInt64 => (ulong)_random.NextInt64() << 1,
        _ => throw new NotSupportedException($"no random {type}"),
    };

    static IReadOnlyList<Type> KindsOf(Type type) =>
        [.. type.Assembly.GetTypes().Where(t => t.IsAssignableTo(type) && !t.IsAbstract).OrderBy(t => t.Name, StringComparer.Ordinal)];
}
